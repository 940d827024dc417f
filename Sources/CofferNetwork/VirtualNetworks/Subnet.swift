import CofferModel

/// The properties of a subnet.
enum Subnet {
    /// What was stored.
    static func prefixes(of properties: [String: JSONValue]) -> [AddressPrefix] {
        texts(properties).compactMap { AddressPrefix($0) }
    }

    /// Checks the properties of a subnet and fills in what was left out.
    ///
    /// - Returns: Its prefixes.
    /// - Throws: ``APIError``.
    static func settle(_ properties: inout [String: JSONValue], of id: ResourceID) throws -> [AddressPrefix] {
        if let one = properties.text("addressPrefix"), properties["addressPrefixes"] != nil, !properties.texts("addressPrefixes").isEmpty {
            guard properties.texts("addressPrefixes").contains(one) else {
                throw APIError.requestFormat("'addressPrefix' and 'addressPrefixes' contradict each other: give one of them", of: id, target: "addressPrefix")
            }
            properties["addressPrefix"] = nil
        }
        let prefixes = try texts(properties).map { try AddressPrefix.checked($0, of: id) }
        guard !prefixes.isEmpty else { throw APIError.requestFormat("'addressPrefix' is missing", of: id, target: "addressPrefix") }
        for prefix in prefixes {
            guard prefix.version == .v4 ? prefix.length <= 29 : prefix.length == 64 else { throw APIError.subnetSizeInvalid(id, prefix) }
        }
        properties.fill("delegations", [])
        properties.fill("privateEndpointNetworkPolicies", "Disabled")
        properties.fill("privateLinkServiceNetworkPolicies", "Enabled")
        return prefixes
    }

    private static func texts(_ properties: [String: JSONValue]) -> [String] {
        let several = properties.texts("addressPrefixes")
        return several.isEmpty ? properties.text("addressPrefix").map { [$0] } ?? [] : several
    }
}
