import CofferModel
import CofferPlatform

/// `Microsoft.Network/loadBalancers` with public addresses, which carry TCP connections to the members of pools.
///
/// Source: Azure's REST reference of load balancers.
struct LoadBalancerType: NetworkType {
    private typealias Part = LoadBalancerPart

    let shape = NetworkShape(
        type: "loadBalancers", told: ["scope"],
        children: [
            NetworkShape(
                type: LoadBalancerPart.frontends, links: [.publicAddress],
                told: ["inboundNatRules", "inboundNatPools", "outboundRules", "loadBalancingRules", "privateIPAddress", "privateIPAllocationMethod"],
                refused: ["publicIPPrefix", "gatewayLoadBalancer"], isWritable: false),
            NetworkShape(
                type: LoadBalancerPart.pools,
                told: ["backendIPConfigurations", "loadBalancingRules", "inboundNatRules", "outboundRule", "outboundRules"],
                refused: ["virtualNetwork", "tunnelInterfaces", "syncMode"], staysIfLeftOut: true),
            NetworkShape(type: LoadBalancerPart.probes, told: ["loadBalancingRules"], isWritable: false),
            NetworkShape(type: LoadBalancerPart.rules, isWritable: false),
            NetworkShape(type: LoadBalancerPart.addressRules, told: ["backendIPConfiguration"], staysIfLeftOut: true),
            NetworkShape(type: LoadBalancerPart.addressPools, isWritable: false),
            NetworkShape(type: LoadBalancerPart.outboundRules, isWritable: false),
        ])

    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws {
        let sku = try PublicAddressSKU(of: record, replacing: old)
        record.sku = ["name": .string(sku.rawValue), "tier": "Regional"]
        guard record.children(Part.outboundRules).isEmpty else {
            throw APIError.balancerNotServed("Outbound rules are", "guests have no way out of their network", target: Part.outboundRules)
        }
        try settleFrontends(&record, sku, network)
        record.children[Part.pools] = try record.children(Part.pools).map { try pool($0, of: record) }
        record.children[Part.probes] = try record.children(Part.probes).map { try BalancerProbe($0, of: record).child }
        // Those of a pool are told, and come back in the bodies of clients.
        let pools = record.children(Part.addressPools).map { $0.name.lowercased() + "." }
        record.children[Part.addressRules] = record.children(Part.addressRules).filter { rule in
            !pools.contains { rule.name.lowercased().hasPrefix($0) && rule.name.dropFirst($0.count).allSatisfy(\.isNumber) }
        }
        let rules = try record.children(Part.rules).map { try BalancingRule($0, of: record) }
        let single = try record.children(Part.addressRules).map { try AddressRule($0, Part.addressRules, of: record) }
        let many = try record.children(Part.addressPools).map { try AddressRule($0, Part.addressPools, of: record) }
        record.children[Part.rules] = rules.map(\.child)
        record.children[Part.addressRules] = single.map(\.child)
        record.children[Part.addressPools] = many.map(\.child)
        try checkPorts(
            rules.map { ($0.name, $0.frontend, $0.frontendPort...$0.frontendPort) } + (single + many).map { ($0.name, $0.frontend, $0.frontendPorts) }, of: record.id)
        for type in [Part.pools, Part.addressRules, Part.addressPools] { try checkUse(of: type, old, now: record, network) }
    }

    func possessions(of record: NetworkRecord) -> [NetworkClaim] { [.owning(.balancer(record.id), by: record.id)] }

    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws {
        // One rule for each member of a pool, as Azure lists them.
        var told: [JSONValue] = []
        for child in record.children(Part.addressPools) {
            let pool = try AddressRule(child, Part.addressPools, of: record)
            for member in try PoolMember.members(of: record.id.childID(Part.addressPools, child.name), network) {
                guard let port = pool.port(at: member.place) else { continue }
                let id = record.id.childID(Part.addressRules, "\(pool.name).\(member.machineName)")
                var rule = pool.child.properties
                for name in ["frontendPortRangeStart", "frontendPortRangeEnd"] { rule[name] = nil }
                rule["frontendPort"] = .int(Int64(port))
                rule["backendIPConfiguration"] = ["id": .string(member.id.text)]
                rule["provisioningState"] = "Succeeded"
                told.append([
                    "id": .string(id.text), "name": .string(id.name), "type": "Microsoft.Network/loadBalancers/inboundNatRules",
                    "properties": .object(rule),
                ])
            }
        }
        if !told.isEmpty { properties[Part.addressRules] = .array((properties[Part.addressRules]?.array ?? []) + told) }
    }

    func tell(_ properties: inout [String: JSONValue], of id: ResourceID, in record: NetworkRecord, _ network: NetworkReader) throws {
        switch id.segments.last?.type {
        case Part.frontends:
            properties["privateIPAllocationMethod"] = "Dynamic"
            for type in [Part.rules, Part.addressRules, Part.addressPools] {
                properties[type] = links(to: id, as: "frontendIPConfiguration", type, of: record)
            }
        case Part.probes: properties[Part.rules] = links(to: id, as: "probe", Part.rules, of: record)
        case Part.addressRules:
            if let user = try network.users(of: id).first { properties["backendIPConfiguration"] = ["id": .string(user.text)] }
        case Part.pools:
            for type in [Part.rules, Part.addressRules] { properties[type] = links(to: id, as: "backendAddressPool", type, of: record) }
            let members = try PoolMember.members(of: id, network)
            guard !members.isEmpty else { return }
            properties["backendIPConfigurations"] = members.map(\.id).linkList
            let rules = try record.children(Part.addressRules).map { try AddressRule($0, Part.addressRules, of: record) }
                .filter { $0.pool?.lowercased() == id.name.lowercased() }
            properties["loadBalancerBackendAddresses"] = .array(members.map { member in
                let mapping = rules.compactMap { rule -> JSONValue? in
                    guard let port = rule.port(at: member.place) else { return nil }
                    return [
                        "inboundNatRuleName": .string(rule.name), "protocol": "Tcp", "frontendPort": .int(Int64(port)),
                        "backendPort": .int(Int64(rule.backendPort)),
                    ]
                }
                return [
                    "name": .string("\(record.id.name)_\(id.name)_\(member.place)"),
                    "properties": ["networkInterfaceIPConfiguration": ["id": .string(member.id.text)], "inboundNatRulesPortMapping": .array(mapping)],
                ]
            })
        default: return
        }
    }

    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws {
        for type in [Part.pools, Part.addressRules, Part.addressPools] { try checkUse(of: type, record, now: nil, network) }
    }

    private func settleFrontends(_ record: inout NetworkRecord, _ sku: PublicAddressSKU, _ network: NetworkReader) throws {
        guard !record.children(Part.frontends).isEmpty else {
            throw APIError.requestFormat("'frontendIPConfigurations' is missing or empty", of: record.id, target: Part.frontends)
        }
        var seen: [ResourceID: ResourceID] = [:]
        for frontend in record.children(Part.frontends) {
            let id = record.id.childID(Part.frontends, frontend.name)
            guard let address = try frontend.properties.link(.publicAddress, of: id) else {
                throw APIError.balancerNotServed(
                    "A frontend without 'publicIPAddress', of an internal load balancer,", "guests do not reach each other", target: "publicIPAddress")
            }
            if let other = try network.record(address).flatMap({ PublicAddressSKU(stored: $0) }), other != sku {
                throw APIError.balancerSKU(record.id, sku, address, other)
            }
            if let user = try seen[address] ?? network.users(of: address).first(where: { !record.id.contains($0) }) {
                throw APIError.publicAddressTaken(address, by: user, wantedBy: id)
            }
            seen[address] = id
        }
    }

    /// Members are interfaces that name the pool; those that are told come back in the bodies of clients.
    private func pool(_ child: NetworkChild, of record: NetworkRecord) throws -> NetworkChild {
        var child = child
        let addresses = child.properties.removeValue(forKey: "loadBalancerBackendAddresses")?.array ?? []
        let isByAddress = addresses.contains { address in
            address["properties"]?["networkInterfaceIPConfiguration"]?["id"] == nil && address["properties"]?["ipAddress"] != nil
        }
        if isByAddress {
            throw APIError.balancerNotServed(
                "A pool of addresses is", "name the pool in network interfaces: az network nic ip-config address-pool add", target: "loadBalancerBackendAddresses")
        }
        return child
    }

    private func checkPorts(_ uses: [(name: String, frontend: String, ports: ClosedRange<UInt16>)], of id: ResourceID) throws {
        for (index, use) in uses.enumerated() {
            if let other = uses[..<index].first(where: { $0.frontend == use.frontend && $0.ports.overlaps(use.ports) }) {
                throw APIError.balancerPortsOverlap(use.name, other.name, max(use.ports.lowerBound, other.ports.lowerBound), of: id)
            }
        }
    }

    /// Refuses to let go of what interfaces name.
    private func checkUse(of type: String, _ old: NetworkRecord?, now record: NetworkRecord?, _ network: NetworkReader) throws {
        guard let old else { return }
        for child in old.children(type) where record?.children(type).first(named: child.name) == nil {
            let id = old.id.childID(type, child.name)
            if let user = try network.users(of: id).first { throw APIError.balancerInUse(old.id, id, by: user) }
        }
    }

    /// The children of a type that name another child.
    private func links(to id: ResourceID, as property: String, _ type: String, of record: NetworkRecord) -> JSONValue? {
        let found = record.children(type).filter { $0.properties[property]?["id"]?.string.flatMap { ResourceID($0) } == id }
        return found.isEmpty ? nil : found.map { record.id.childID(type, $0.name) }.linkList
    }
}
