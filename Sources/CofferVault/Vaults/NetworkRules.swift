import CofferModel

/// A vault's firewall, stored and sent in the same shape.
struct NetworkRules: Codable, Equatable, Sendable {
    /// `AzureServices` or `None`.
    let bypass: String?
    /// `Allow` or `Deny`.
    let defaultAction: String?
    let ipRules: [IPRule]?
    let virtualNetworkRules: [NetworkRule]?

    /// An IPv4 address or a range of them, such as `203.0.113.0/24`.
    struct IPRule: Codable, Equatable, Sendable {
        let value: String
    }

    /// A subnet's id.
    struct NetworkRule: Codable, Equatable, Sendable {
        let id: String
        let ignoreMissingVnetServiceEndpoint: Bool?
    }
}

extension NetworkRules {
    /// The rules with their words spelled as documented and their lists there.
    ///
    /// - Throws: an ``APIError`` for an unknown word, for something that is not an IPv4 range or a subnet's id, and for
    ///   more than 1000 ranges or 200 subnets.
    func checked() throws -> NetworkRules {
        guard let bypass = ["AzureServices", "None"].spelling(of: bypass ?? "AzureServices") else {
            throw APIError.badVaultRequest("networkAcls.bypass must be AzureServices or None.")
        }
        guard let action = ["Allow", "Deny"].spelling(of: defaultAction ?? "Allow") else {
            throw APIError.badVaultRequest("networkAcls.defaultAction must be Allow or Deny.")
        }
        let addresses = ipRules ?? []
        let networks = virtualNetworkRules ?? []
        guard addresses.count <= 1000, networks.count <= 200 else {
            throw APIError.badVaultRequest("networkAcls may have up to 1000 ipRules and 200 virtualNetworkRules.")
        }
        for rule in addresses where IPv4Range(rule.value) == nil {
            throw APIError.badVaultRequest(
                "networkAcls.ipRules has '\(rule.value.shortened)', which is not an IPv4 address or range such as 203.0.113.0/24.")
        }
        for rule in networks where ResourceID(rule.id)?.isType("Microsoft.Network/virtualNetworks/subnets") != true {
            throw APIError.badVaultRequest(
                "networkAcls.virtualNetworkRules has '\(rule.id.shortened)', which is not the resource id of a subnet.")
        }
        return NetworkRules(bypass: bypass, defaultAction: action, ipRules: addresses, virtualNetworkRules: networks)
    }
}

extension [String] {
    /// The element that equals `word` but for case.
    func spelling(of word: String) -> String? {
        first { $0.lowercased() == word.lowercased() }
    }
}
