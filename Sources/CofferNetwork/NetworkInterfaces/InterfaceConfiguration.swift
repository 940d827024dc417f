import CofferModel
import CofferPlatform

/// One of the `networkInterfaceConfigurations` of a machine: an interface that is made with it, and the public IP addresses that are made with that.
///
/// What belongs to an instance of a scale set lies below the instance; what belongs to a virtual machine is a resource of its own in the
/// machine's group, with eight random digits after its name.
struct InterfaceConfiguration: Sendable {
    /// A public IP address that is made with an interface.
    struct Address: Sendable {
        let id: ResourceID
        let sku: JSONValue?
        let properties: JSONValue

        func body(in location: String) -> JSONValue {
            ["location": .string(location), "sku": sku ?? .null, "properties": properties]
        }
    }

    let planned: PlannedInterface
    private(set) var addresses: [Address] = []
    private let properties: [String: JSONValue]

    /// - Throws: ``APIError`` if it has no name, or no configuration of an address.
    init(_ value: JSONValue, of machine: ResourceID) throws {
        let body = PropertyNames.canonical(value)
        let name = try Self.name(of: body, in: machine)
        try self.init(body, id: machine.isInstance ? machine.childID("networkInterfaces", name) : machine.neighbour("networkInterfaces", name))
    }

    /// One that was planned before.
    init(_ planned: PlannedInterface) throws {
        try self.init(PropertyNames.canonical(planned.configuration), id: planned.id)
    }

    private init(_ body: JSONValue, id: ResourceID) throws {
        var properties = body["properties"]?.object ?? [:]
        let isPrimary = properties.removeValue(forKey: "primary")
        let option = try properties.word("deleteOption", among: DeleteOption.self, of: id)
        properties["deleteOption"] = nil
        var configurations: [JSONValue] = []
        for configuration in properties["ipConfigurations"]?.array ?? [] {
            var configuration = configuration.object ?? [:]
            var settings = configuration["properties"]?.object ?? [:]
            if let address = settings.removeValue(forKey: "publicIPAddressConfiguration"), address != .null {
                let made = try Self.address(address, of: id, id.childID(NetworkInterfaceType.configurations, Self.name(of: .object(configuration), in: id)))
                settings["publicIPAddress"] = ["id": .string(made.id.text)]
                addresses.append(made)
            }
            configuration["properties"] = .object(settings)
            configurations.append(.object(configuration))
        }
        properties["ipConfigurations"] = .array(configurations)
        self.properties = properties
        planned = PlannedInterface(
            id: id, isPrimary: isPrimary?.bool ?? isPrimary?.string.map { $0.lowercased() == "true" }, isDeletedWithMachine: option.map { $0 == .delete },
            configuration: body)
    }

    func body(in location: String) -> JSONValue {
        ["location": .string(location), "properties": .object(properties)]
    }

    /// The address is deleted with its interface unless it is said to stay.
    private static func address(_ value: JSONValue, of interface: ResourceID, _ configuration: ResourceID) throws -> Address {
        let name = try name(of: value, in: configuration)
        var properties = value["properties"]?.object ?? [:]
        properties.fill("deleteOption", .string(DeleteOption.delete.rawValue))
        if value["sku"]?["name"]?.string?.lowercased() == PublicAddressSKU.standard.rawValue.lowercased() {
            properties.fill("publicIPAllocationMethod", .string(AllocationMethod.static.rawValue))
        }
        guard let instance = interface.parent, instance.isInstance else {
            // One interface's random digits are also its addresses'.
            let digits = interface.name.split(separator: "-").last.map(String.init) ?? ""
            let id = ResourceID(
                subscription: interface.subscription ?? "", group: interface.group ?? "", namespace: "Microsoft.Network", type: "publicIPAddresses",
                name: "\(name)-\(digits)")
            return Address(id: id, sku: value["sku"], properties: .object(properties))
        }
        if var settings = properties["dnsSettings"]?.object, let label = settings.text("domainNameLabel") {
            // Each instance has a name of its own.
            settings["domainNameLabel"] = .string("vm\(instance.name)-\(label)")
            properties["dnsSettings"] = .object(settings)
        }
        return Address(id: configuration.childID("publicIPAddresses", name), sku: value["sku"], properties: .object(properties))
    }

    private static func name(of value: JSONValue, in holder: ResourceID) throws -> String {
        guard let name = value["name"]?.string else {
            throw APIError.requestFormat("a configuration of its network interfaces, or of their addresses, has no 'name'", of: holder, target: "name")
        }
        try NetworkName.check(name)
        return name
    }
}

extension ResourceID {
    /// Whether it was made with an instance of a scale set.
    var isOfInstance: Bool { parent?.isInstance ?? false }

    /// Whether it is an instance of a scale set.
    fileprivate var isInstance: Bool { isType("Microsoft.Compute/virtualMachineScaleSets/virtualMachines") }

    /// A resource of the network in the same group.
    fileprivate func neighbour(_ type: String, _ name: String) -> ResourceID {
        ResourceID(
            subscription: subscription ?? "", group: group ?? "", namespace: "Microsoft.Network", type: type,
            name: "\(name.prefix(70))-\(NetworkRecord.newGUID().prefix(8))")
    }
}
