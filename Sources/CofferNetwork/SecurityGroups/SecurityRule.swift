import CofferModel

/// A rule of a network security group.
struct SecurityRule: Sendable {
    enum Direction: String, CaseIterable {
        case inbound = "Inbound"
        case outbound = "Outbound"
    }

    enum Access: String, CaseIterable {
        case allow = "Allow"
        case deny = "Deny"
    }

    enum TransportProtocol: String, CaseIterable {
        case tcp = "Tcp"
        case udp = "Udp"
        case icmp = "Icmp"
        case esp = "Esp"
        case ah = "Ah"
        case any = "*"
    }

    let name: String
    let direction: Direction
    let access: Access
    let transport: TransportProtocol
    /// The lowest decides first.
    let priority: Int
    let sourcePorts: [PortRange]
    let destinationPorts: [PortRange]
    let sources: [SecurityRuleAddress]
    let destinations: [SecurityRuleAddress]

    /// A rule as it is asked for: checks it, and writes it as it is stored.
    ///
    /// - Throws: ``APIError`` for the first thing that no rule can have.
    init(settling child: inout NetworkChild, of group: ResourceID) throws {
        try self.init(&child, of: group, priorities: 100...4096)
    }

    private init(_ child: inout NetworkChild, of group: ResourceID, priorities: ClosedRange<Int64>) throws {
        let id = group.childID(SecurityGroupType.rules, child.name)
        name = child.name
        func required<Value>(_ value: Value?, _ property: String) throws -> Value {
            guard let value else { throw APIError.requestFormat("'\(property)' is missing", of: id, target: property) }
            return value
        }
        transport = try required(child.properties.word("protocol", among: TransportProtocol.self, of: id), "protocol")
        access = try required(child.properties.word("access", among: Access.self, of: id), "access")
        direction = try required(child.properties.word("direction", among: Direction.self, of: id), "direction")
        let number = try required(child.properties["priority"], "priority")
        guard let priority = number.int, priorities.contains(priority) else { throw APIError.securityRulePriority(number) }
        self.priority = Int(priority)
        sourcePorts = try Self.ports("sourcePortRange", &child.properties, id)
        destinationPorts = try Self.ports("destinationPortRange", &child.properties, id)
        sources = try Self.addresses("sourceAddressPrefix", "sourceAddressPrefixes", &child.properties, id)
        destinations = try Self.addresses("destinationAddressPrefix", "destinationAddressPrefixes", &child.properties, id)
        if let text = child.properties.text("description"), text.count > 140 {
            throw APIError.requestFormat("'description' is longer than 140 characters", of: id, target: "description")
        }
    }

    /// A rule as it is stored.
    ///
    /// - Throws: ``APIError`` if it is none: passing over it could let in what it shuts out.
    init(stored child: NetworkChild, of group: ResourceID) throws {
        var child = child
        try self.init(&child, of: group, priorities: 100...65500)
    }

    private static func ports(_ property: String, _ properties: inout [String: JSONValue], _ id: ResourceID) throws -> [PortRange] {
        try several(property, property + "s", &properties, id) { text in
            guard let range = PortRange(text) else { throw APIError.securityRulePorts(text) }
            return range
        }
    }

    private static func addresses(
        _ one: String, _ many: String, _ properties: inout [String: JSONValue], _ id: ResourceID
    ) throws -> [SecurityRuleAddress] {
        try several(one, many, &properties, id) { text in
            guard let address = SecurityRuleAddress(text) else { throw APIError.securityRuleAddress(text) }
            return address
        }
    }

    /// What a rule says once or several times, in one of two properties; the other is stored empty.
    private static func several<Value>(
        _ one: String, _ many: String, _ properties: inout [String: JSONValue], _ id: ResourceID, _ read: (String) throws -> Value
    ) throws -> [Value] {
        let list = properties[many]?.array ?? []
        let texts = list.compactMap(\.string)
        guard texts.count == list.count else { throw APIError.requestFormat("an element of '\(many)' is no text", of: id, target: many) }
        properties[many] = .array(texts.map { .string($0) })
        // Templates also write a port as a number.
        let single = properties.text(one) ?? properties[one]?.int.map(String.init) ?? ""
        guard texts.isEmpty || single.isEmpty else {
            throw APIError.requestFormat("'\(one)' and '\(many)' are both given: give one of them", of: id, target: one)
        }
        guard !single.isEmpty else {
            properties[one] = nil
            guard !texts.isEmpty else { throw APIError.requestFormat("'\(one)' is missing", of: id, target: one) }
            return try texts.map(read)
        }
        properties[one] = .string(single)
        return [try read(single)]
    }
}

extension SecurityRule {
    /// The rules that every group ends with. Their priorities are below all that can be given.
    static let defaults: [NetworkChild] = [
        rule("AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", .inbound, .allow, 65000, from: "VirtualNetwork", to: "VirtualNetwork"),
        rule("AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer", .inbound, .allow, 65001, from: "AzureLoadBalancer"),
        rule("DenyAllInBound", "Deny all inbound traffic", .inbound, .deny, 65500),
        rule("AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET", .outbound, .allow, 65000, from: "VirtualNetwork", to: "VirtualNetwork"),
        rule("AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", .outbound, .allow, 65001, to: "Internet"),
        rule("DenyAllOutBound", "Deny all outbound traffic", .outbound, .deny, 65500),
    ]

    /// The same as rules.
    static func endings(of id: ResourceID) throws -> [SecurityRule] { try defaults.map { try SecurityRule(stored: $0, of: id) } }

    private static func rule(
        _ name: String, _ description: String, _ direction: Direction, _ access: Access, _ priority: Int64, from source: String = "*",
        to destination: String = "*"
    ) -> NetworkChild {
        NetworkChild(name: name, properties: [
            "description": .string(description), "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*",
            "sourceAddressPrefix": .string(source), "destinationAddressPrefix": .string(destination), "access": .string(access.rawValue),
            "priority": .int(priority), "direction": .string(direction.rawValue), "sourcePortRanges": [], "destinationPortRanges": [],
            "sourceAddressPrefixes": [], "destinationAddressPrefixes": [],
        ])
    }
}
