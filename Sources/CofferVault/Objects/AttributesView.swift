import CofferCore

/// A version's attributes as the data plane shows them. Dates are in seconds since 1970.
struct AttributesView: Encodable, Sendable {
    let enabled: Bool
    let nbf: Int64?
    let exp: Int64?
    let created: Int64
    let updated: Int64
    let recoveryLevel: String
    let recoverableDays: Int
    /// Of keys alone.
    var exportable: Bool?
    /// Of keys alone, since 7.5: `0` for a key that no hardware holds, `1` for one in a token.
    var hsmPlatform: String?

    init(_ version: some VersionRecord, in vault: VaultRecord) {
        enabled = version.isEnabled
        nbf = version.notBefore?.seconds
        exp = version.expires?.seconds
        created = version.created.seconds
        updated = version.updated.seconds
        recoveryLevel = vault.recoveryLevel
        recoverableDays = vault.retentionDays
    }
}

extension VaultRecord {
    /// How a deleted object of this vault can come back (contract section 1.5).
    var recoveryLevel: String {
        (retentionDays == 90 ? "Recoverable" : "CustomizedRecoverable") + (hasPurgeProtection ? "" : "+Purgeable")
    }
}
