import CofferModel

/// What a PUT or PATCH asks of a vault, each value checked by itself; nil where nothing was said. What depends on the
/// vault as it is (what may not change any more) is decided by ``VaultsService``.
struct VaultSpecification: Sendable {
    let location: String?
    let tags: [String: String]?
    let tenantID: String?
    let sku: VaultSKU?
    let accessPolicies: [AccessPolicy]?
    let enabledForDeployment: Bool?
    let enabledForDiskEncryption: Bool?
    let enabledForTemplateDeployment: Bool?
    let retentionDays: Int?
    let usesRBAC: Bool?
    let wantsPurgeProtection: Bool
    let networkRules: NetworkRules?
    let publicNetworkAccess: PublicNetworkAccess?
    /// `createMode` is `recover`.
    let isRecovery: Bool

    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: VaultBody, tenantID: String) throws {
        let properties = body.properties
        location = try body.location.map(Self.location)
        tags = try body.tags.map(Self.tags)
        if let tenant = properties?.tenantId {
            guard tenant.lowercased() == tenantID.lowercased() else {
                throw APIError.badVaultRequest(
                    "The tenantId '\(tenant.shortened)' is not a tenant of this Coffer. Use '\(tenantID)'.")
            }
        }
        self.tenantID = properties?.tenantId == nil ? nil : tenantID
        sku = try properties?.sku.map(Self.sku)
        accessPolicies = try properties?.accessPolicies.map { policies in
            guard policies.count <= AccessPolicy.largestCount else { throw APIError.tooManyPolicies }
            return try policies.map { try $0.checked(tenantID: tenantID) }
        }
        enabledForDeployment = properties?.enabledForDeployment
        enabledForDiskEncryption = properties?.enabledForDiskEncryption
        enabledForTemplateDeployment = properties?.enabledForTemplateDeployment
        guard properties?.enableSoftDelete != false else { throw APIError.softDeleteIsForEver }
        if let days = properties?.softDeleteRetentionInDays, !(7...90).contains(days) {
            throw APIError.badVaultRequest(
                "The property \"softDeleteRetentionInDays\" is \(days), but must be between 7 and 90.")
        }
        retentionDays = properties?.softDeleteRetentionInDays
        usesRBAC = properties?.enableRbacAuthorization
        guard properties?.enablePurgeProtection != false else { throw APIError.purgeProtectionIsForEver }
        wantsPurgeProtection = properties?.enablePurgeProtection == true
        networkRules = try properties?.networkAcls?.checked()
        publicNetworkAccess = try properties?.publicNetworkAccess.map { word in
            guard let spelling = PublicNetworkAccess.allCases.map(\.rawValue).spelling(of: word),
                let access = PublicNetworkAccess(rawValue: spelling)
            else { throw APIError.badVaultRequest("publicNetworkAccess must be Enabled, Disabled or SecuredByPerimeter.") }
            return access
        }
        switch properties?.createMode?.lowercased() {
        case nil, "default": isRecovery = false
        case "recover": isRecovery = true
        default: throw APIError.badVaultRequest("createMode must be default or recover.")
        }
    }

    /// A region as ids have it: `UK South` and `uksouth` are one.
    static func location(_ text: String) throws -> String {
        let location = text.lowercased().filter { $0 != " " }
        let isPlain = location.utf8.allSatisfy { $0.isNameByte && $0 != UInt8(ascii: "-") }
        guard !location.isEmpty, location.utf8.count <= 90, isPlain else {
            throw APIError.badVaultRequest("The location '\(text.shortened)' is not the name of a region such as uksouth.")
        }
        return location
    }

    private static func tags(_ tags: [String: String]) throws -> [String: String] {
        guard tags.count <= 50, tags.allSatisfy({ $0.key.count <= 512 && $0.value.count <= 256 }) else {
            throw APIError.badVaultRequest("A resource may have up to 50 tags, with names up to 512 and values up to 256 characters.")
        }
        return tags
    }

    private static func sku(_ sku: VaultBody.SKU) throws -> VaultSKU {
        guard sku.family.map({ $0.uppercased() == "A" }) ?? true, let name = sku.name,
            let value = VaultSKU(rawValue: name.lowercased())
        else { throw APIError.badVaultRequest("The sku must have the family A and the name standard or premium.") }
        return value
    }
}
