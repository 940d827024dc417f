import CofferCore
import CofferModel
import CofferPlatform

/// What `PUT …/accessPolicies/{operationKind}` does with the entries in its body.
enum AccessPolicyChange: String, CaseIterable, Sendable {
    /// Gives more permissions to the principals that are named.
    case add
    /// Gives the principals that are named these permissions and no others.
    case replace
    /// Takes permissions from the principals that are named.
    case remove
}

extension VaultsService {
    /// Changes a vault's access policies for the principals that `entries` name; others keep what they have.
    ///
    /// - Throws: ``APIError/resourceNotFound(_:)``, or ``APIError/badVaultRequest(_:)`` if the vault would have more than 1024 entries.
    func change(
        policiesOf id: ResourceID, _ change: AccessPolicyChange, _ entries: [AccessPolicy], by grant: Grant
    ) async throws -> ChangedVault {
        let now = clock.now()
        let changed = try await store.write { transaction in
            var vault = try active(id, in: transaction, at: now)
            let before = VaultUse(vault)
            vault.accessPolicies = entries.reduce(vault.accessPolicies) { $1.applied($0, change) }
            guard vault.accessPolicies.count <= AccessPolicy.largestCount else { throw APIError.tooManyPolicies }
            try transaction.put(vault, after: before)
            return ChangedVault(vault: vault, changesPermissions: VaultUse(vault).differsInPermissions(from: before))
        }
        bell.ring()
        return changed
    }
}

extension AccessPolicy {
    /// The entries of a vault after a change for this entry's principal.
    fileprivate func applied(_ policies: [AccessPolicy], _ change: AccessPolicyChange) -> [AccessPolicy] {
        guard let index = policies.firstIndex(where: isForSamePrincipal) else {
            return change == .remove || permissions.isEmpty ? policies : policies + [self]
        }
        let old = policies[index]
        let new =
            switch change {
            case .add: old.permissions.adding(permissions)
            case .replace: permissions
            case .remove: old.permissions.removing(permissions)
            }
        var policies = policies.filter { !isForSamePrincipal($0) }
        guard !new.isEmpty else { return policies }
        policies.insert(
            AccessPolicy(tenantId: old.tenantId, objectId: old.objectId, applicationId: old.applicationId, permissions: new),
            at: min(index, policies.count))
        return policies
    }

    private func isForSamePrincipal(_ other: AccessPolicy) -> Bool {
        tenantId.lowercased() == other.tenantId.lowercased() && objectId.lowercased() == other.objectId.lowercased()
            && applicationId?.lowercased() == other.applicationId?.lowercased()
    }
}

extension AccessPolicy.Permissions {
    fileprivate var isEmpty: Bool {
        [keys, secrets, certificates, storage].allSatisfy { $0?.isEmpty ?? true }
    }

    fileprivate func adding(_ more: Self) -> Self {
        Self(
            keys: Self.union(keys, more.keys), secrets: Self.union(secrets, more.secrets),
            certificates: Self.union(certificates, more.certificates), storage: Self.union(storage, more.storage))
    }

    fileprivate func removing(_ less: Self) -> Self {
        Self(
            keys: Self.difference(keys, less.keys, of: "keys"), secrets: Self.difference(secrets, less.secrets, of: "secrets"),
            certificates: Self.difference(certificates, less.certificates, of: "certificates"),
            storage: Self.difference(storage, less.storage, of: "storage"))
    }

    private static func union(_ old: [String]?, _ more: [String]?) -> [String]? {
        guard let more else { return old }
        return more.reduce(into: old ?? []) { names, name in
            if names.spelling(of: name) == nil { names.append(name) }
        }
    }

    /// `all` gives what it stands for without what is taken away; taking `all` away takes everything.
    private static func difference(_ old: [String]?, _ less: [String]?, of kind: String) -> [String]? {
        guard var names = old, let less, !less.isEmpty else { return old }
        guard less.spelling(of: "all") == nil else { return [] }
        if names.spelling(of: "all") != nil {
            names = Self.union(names.filter { $0.lowercased() != "all" }, AccessPolicy.meaningOfAll(kind)) ?? []
        }
        return names.filter { less.spelling(of: $0) == nil }
    }
}
