import CofferModel

/// The body of a PUT or PATCH of a disk encryption set. What is read-only in it is passed over, as clients echo it.
struct EncryptionSetBody: Decodable {
    struct Properties: Decodable {
        let activeKey: Key?
        let encryptionType: String?
        let rotationToLatestKeyVersionEnabled: Bool?
        let federatedClientId: String?
    }

    struct Key: Decodable {
        let keyUrl: String?
        let sourceVault: Vault?
    }

    struct Vault: Decodable {
        let id: String?
    }

    let location: String?
    let tags: [String: String]?
    let identity: IdentityBody?
    let properties: Properties?
}

/// What a PUT or PATCH asks of a disk encryption set, each value checked by itself; nil where nothing was said.
struct EncryptionSetSpecification: Sendable {
    /// A key as it was asked for.
    struct Key: Sendable {
        /// With a version.
        let url: KeyURL
        let sourceVault: ResourceID?
    }

    let location: String?
    let tags: [String: String]?
    let type: EncryptionSetType?
    let identity: IdentityWish?
    let key: Key?
    let rotatesAutomatically: Bool?

    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: EncryptionSetBody, rules: RuleBook, vaultSuffix: String) throws {
        location = body.location.map(Location.canonical)
        tags = try body.tags.map(Tags.checked)
        _ = try KeyLossPolicy(tags: body.tags ?? [:])
        identity = try body.identity.map { try SetIdentities.wish($0, rules: rules) }
        type = try body.properties?.encryptionType.map { word in
            guard let type = EncryptionSetType(word: word) else { throw rules.refusal(.setType, ["type": word]) }
            return type
        }
        if let client = body.properties?.federatedClientId, client.lowercased() != "none", !client.isEmpty {
            throw APIError.notServedYet("Keys of another tenant, and so 'federatedClientId', are", target: "federatedClientId")
        }
        key = try body.properties?.activeKey.map { try Self.key($0, rules: rules, vaultSuffix: vaultSuffix) }
        rotatesAutomatically = body.properties?.rotationToLatestKeyVersionEnabled
    }

    private static func key(_ key: EncryptionSetBody.Key, rules: RuleBook, vaultSuffix: String) throws -> Key {
        guard let text = key.keyUrl, let url = KeyURL(text) else {
            throw rules.refusal(.keyURLForm, ["url": key.keyUrl ?? "", "suffix": vaultSuffix])
        }
        try rules.require(.keyURLVersion, url.version != nil, ["url": url.text])
        var vault: ResourceID?
        if let id = key.sourceVault?.id {
            guard let parsed = ResourceID(id), parsed.isType("Microsoft.KeyVault/vaults") else {
                throw rules.refusal(.sourceVaultMatch, ["given": id, "url": url.text, "vault": url.vault])
            }
            vault = parsed
        }
        return Key(url: url, sourceVault: vault)
    }
}
