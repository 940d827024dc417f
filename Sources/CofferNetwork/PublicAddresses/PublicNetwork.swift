/// The part of the host's loopback network that public IP addresses are taken from.
package struct PublicNetwork: Sendable {
    let prefix: AddressPrefix

    private init(prefix: AddressPrefix) {
        self.prefix = prefix
    }

    /// - Parameter text: CIDR notation, such as `127.42.0.0/16`.
    /// - Returns: nil unless it is a prefix of 9 to 29 bits within 127.0.0.0/8, with no bits behind it. The whole is none, for the host's own
    ///   services listen there.
    package init?(_ text: String) {
        guard let prefix = AddressPrefix(text), prefix == prefix.canonical, (9...29).contains(prefix.length),
            AddressPrefix(IPAddress(127, 0, 0, 0), length: 8)?.contains(prefix) == true
        else { return nil }
        self.prefix = prefix
    }

    /// 127.42.0.0/16.
    package static var standard: PublicNetwork {
        let first = IPAddress(127, 42, 0, 0)
        return PublicNetwork(prefix: AddressPrefix(first, length: 16) ?? AddressPrefix(only: first))
    }
}
