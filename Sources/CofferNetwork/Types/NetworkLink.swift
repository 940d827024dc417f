import CofferModel

/// A property `{"id": …}`, or an array of such, that names other resources.
struct NetworkLink: Sendable {
    let property: String
    /// The type of what it names below Microsoft.Network, such as `virtualNetworks/subnets`.
    let type: String
    /// The type of such a resource that was made with an instance of a scale set; it is stored under its own id.
    var instanceType: String?
    /// Whether it is an array of such properties.
    var isList = false

    func isOfInstance(_ id: ResourceID) -> Bool { instanceType.map(id.isType) ?? false }
}

extension NetworkLink {
    static let securityGroup = NetworkLink(property: "networkSecurityGroup", type: "networkSecurityGroups")
    static let subnet = NetworkLink(property: "subnet", type: "virtualNetworks/subnets")
    static let publicAddress = NetworkLink(
        property: "publicIPAddress", type: "publicIPAddresses",
        instanceType: "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/networkInterfaces/ipConfigurations/publicIPAddresses")
}

extension [String: JSONValue] {
    /// The resource that a link names; nil if it names none.
    ///
    /// - Throws: ``APIError`` if it has no id, or one of another type or subscription.
    func link(_ link: NetworkLink, of holder: ResourceID) throws -> ResourceID? {
        guard let value = self[link.property], value != .null else { return nil }
        return try Self.target(of: value, link, holder)
    }

    /// All resources that a link names.
    ///
    /// - Throws: The same.
    func links(_ link: NetworkLink, of holder: ResourceID) throws -> [ResourceID] {
        guard link.isList else { return try self.link(link, of: holder).map { [$0] } ?? [] }
        guard let value = self[link.property], value != .null else { return [] }
        guard let elements = value.array else { throw APIError.requestFormat("'\(link.property)' is not an array", of: holder, target: link.property) }
        return try elements.map { try Self.target(of: $0, link, holder) }
    }

    private static func target(of value: JSONValue, _ link: NetworkLink, _ holder: ResourceID) throws -> ResourceID {
        // An extension of something else is no such resource, whatever its last part says, and permissions on it are others.
        guard let text = value["id"]?.string, let id = ResourceID(text), id.isType("Microsoft.Network/\(link.type)") || link.isOfInstance(id),
            id.group != nil, id.extendedScope == nil
        else {
            throw APIError.linkInvalid(value["id"]?.string ?? "", link, of: holder)
        }
        guard id.subscription?.lowercased() == holder.subscription?.lowercased() else { throw APIError.referenceNotFound(id, of: holder) }
        return id
    }
}
