import CofferModel
import CofferPlatform

/// The part of a vault that decides who may use what is in it.
struct VaultUse: Equatable, Sendable {
    let usesRBAC: Bool
    let policies: [AccessPolicy]
    /// Whether the firewall lets the disk platform in.
    let admitsTrustedServices: Bool

    init(_ vault: VaultRecord) {
        usesRBAC = vault.usesRBAC
        policies = vault.accessPolicies
        admitsTrustedServices = VaultFirewall(vault).admitsTrustedServices
    }

    /// Whether permissions differ, wherever a caller comes from.
    func differsInPermissions(from other: VaultUse) -> Bool {
        usesRBAC != other.usesRBAC || policies != other.policies
    }
}

/// A vault as a change left it.
struct ChangedVault: Sendable {
    let vault: VaultRecord
    /// Whether a vault that was there before has got other permissions.
    let changesPermissions: Bool
}

extension WriteTransaction {
    /// Stores a vault that was `before`, and tells the disk platform if it may cost a disk its key or give it back.
    func put(_ vault: VaultRecord, after before: VaultUse) throws {
        try put(vault)
        guard VaultUse(vault) != before else { return }
        try append(KeyChange(kind: .access, scope: vault.id, key: nil, version: nil))
    }
}
