import CofferModel

/// An IP configuration of a network interface.
struct IPConfiguration: Sendable {
    let name: String
    private let properties: [String: JSONValue]
    let version: IPAddress.Version
    let method: AllocationMethod
    let subnet: ResourceID
    let publicAddress: ResourceID?
    /// Its private address. Of what is asked for: with the method Static.
    var address: IPAddress?
    var isPrimary: Bool

    /// One as it is asked for.
    ///
    /// - Throws: ``APIError`` for the first thing that none can have.
    init(settling child: NetworkChild, of interface: ResourceID) throws {
        let id = interface.childID(NetworkInterfaceType.configurations, child.name)
        var properties = child.properties
        version = try properties.word("privateIPAddressVersion", among: IPAddress.Version.self, of: id) ?? .v4
        let asked = properties.text("privateIPAddress").flatMap { $0.isEmpty ? nil : $0 }
        method = try properties.word("privateIPAllocationMethod", among: AllocationMethod.self, of: id) ?? (asked == nil ? .dynamic : .static)
        guard let subnet = try properties.link(.subnet, of: id) else { throw APIError.requestFormat("'subnet' is missing", of: id, target: "subnet") }
        publicAddress = try properties.link(.publicAddress, of: id)
        if method == .static {
            guard let asked else { throw APIError.requestFormat("'privateIPAddress' is missing, which the method Static needs", of: id, target: "privateIPAddress") }
            guard let address = IPAddress(asked), address.version == version else { throw APIError.privateAddressInvalid(asked, of: id) }
            self.address = address
        }
        isPrimary = properties["primary"]?.bool ?? false
        name = child.name
        self.subnet = subnet
        self.properties = properties
    }

    /// One as it was stored; nil if it is none.
    init?(stored child: NetworkChild) {
        let properties = child.properties
        guard let subnet = properties["subnet"]?["id"]?.string.flatMap({ ResourceID($0) }) else { return nil }
        name = child.name
        version = properties.text("privateIPAddressVersion").flatMap(IPAddress.Version.init(rawValue:)) ?? .v4
        method = properties.text("privateIPAllocationMethod").flatMap(AllocationMethod.init(rawValue:)) ?? .dynamic
        publicAddress = properties["publicIPAddress"]?["id"]?.string.flatMap { ResourceID($0) }
        address = properties.text("privateIPAddress").flatMap { IPAddress($0) }
        isPrimary = properties["primary"]?.bool ?? false
        self.subnet = subnet
        self.properties = properties
    }

    /// As it is stored.
    var child: NetworkChild {
        var properties = properties
        properties["privateIPAddress"] = address.map { .string($0.description) }
        properties["privateIPAllocationMethod"] = .string(method.rawValue)
        properties["privateIPAddressVersion"] = .string(version.rawValue)
        properties["primary"] = .bool(isPrimary)
        return NetworkChild(name: name, properties: properties)
    }

    /// What becomes of its public IP address with the machine, where this configuration says so.
    var deleteOption: DeleteOption? {
        properties["publicIPAddress"]?["properties"]?["deleteOption"]?.string.flatMap(DeleteOption.init(rawValue:))
    }
}
