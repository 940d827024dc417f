import CofferCore
import CofferModel
import CofferPlatform

/// Finds out whether a disk encryption set may rely on a key, before any identity has permissions on it.
struct SetKeyCheck: Sendable {
    let keys: any KeyService
    let rules: RuleBook
    let clock: any WallClock

    /// The key that the set is to use: the version asked for, or with automatic rotation the current one if that can be used.
    ///
    /// - Throws: ``APIError`` for the first rule that the key breaks, and what the key service refuses (no such vault or key).
    func key(_ wanted: EncryptionSetSpecification.Key, rotates: Bool, location: String, set: ResourceID) async throws -> SetKey {
        var status = try await keys.status(of: wanted.url, as: .platform)
        if rotates, status.currentVersion != status.url.version {
            let current = try await keys.status(of: wanted.url.with(version: nil), as: .platform)
            if isUsable(current) { status = current }
        }
        let isSameSubscription = status.vault.subscription?.lowercased() == set.subscription?.lowercased()
        if let given = wanted.sourceVault {
            try rules.require(
                .sourceVaultMatch, given == status.vault,
                ["given": given.text, "url": status.url.text, "vault": status.vault.text])
            try rules.require(.sourceVaultSubscription, isSameSubscription, ["vault": status.vault.name])
        }
        try rules.require(
            .vaultSubscription, isSameSubscription,
            ["vault": status.vault.name, "theirs": status.vault.subscription ?? "", "ours": set.subscription ?? ""])
        try rules.require(
            .vaultRegion, Location.canonical(status.location) == location,
            ["vault": status.vault.name, "theirs": status.location, "ours": location])
        try check(status)
        return SetKey(url: status.url, vault: status.vault, namesVault: wanted.sourceVault != nil)
    }

    /// Whether rotation may move to this version.
    func isUsable(_ status: KeyStatus) -> Bool { refusal(of: status) == nil }

    /// Why rotation may not move to this version.
    func refusal(of status: KeyStatus) -> APIError? {
        do throws(APIError) {
            try check(status)
            return nil
        } catch {
            return error
        }
    }

    private func check(_ status: KeyStatus) throws(APIError) {
        let url = status.url.text
        let now = clock.now()
        try rules.require(
            .keyType, ["RSA", "RSA-HSM"].contains(status.keyType.uppercased()), ["url": url, "type": status.keyType])
        try rules.require(.keySize, [2048, 3072, 4096].contains(status.bits), ["url": url, "bits": String(status.bits)])
        try rules.require(.keyEnabled, status.isEnabled, ["url": url])
        if let date = status.notBefore { try rules.require(.keyNotBefore, now >= date, ["url": url, "date": date.description]) }
        if let date = status.expires { try rules.require(.keyExpires, now < date, ["url": url, "date": date.description]) }
        try rules.require(.vaultPurgeProtection, status.hasPurgeProtection, ["vault": status.vault.name])
    }
}
