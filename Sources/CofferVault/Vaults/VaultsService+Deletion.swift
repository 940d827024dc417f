import CofferCore
import CofferModel
import CofferPlatform

extension VaultsService {
    /// Deletes a vault. It and its keys come back by recovery until its retention ends; its name stays taken as long.
    ///
    /// - Returns: whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        let now = clock.now()
        let deleted: VaultRecord? = try await store.write { transaction in
            guard let name = VaultName(id.name), var vault = try transaction.vault(named: name, at: now), vault.id == id,
                vault.deletion == nil
            else { return nil }
            let deletion = Deletion(at: now, retentionDays: vault.retentionDays)
            vault.deletion = deletion
            try transaction.put(vault)
            try transaction.schedule(AgendaItem(purgeOf: vault, due: deletion.scheduledPurge))
            try transaction.append(KeyChange(kind: .deleted, scope: vault.id, key: nil, version: nil))
            return vault
        }
        guard let deleted else { return false }
        material.forgetVersions(in: deleted)
        bell.ring()
        return true
    }

    /// Brings a deleted vault back with everything that was in it. A vault that is in use stays as it is.
    ///
    /// - Parameter location: Where the request says that the vault is; nil if it does not say.
    /// - Throws: ``APIError/noDeletedVault(_:)``, or ``APIError/recoversElsewhere(_:)`` for another group or region.
    func recover(_ id: ResourceID, _ name: VaultName, location: String?) async throws -> VaultRecord {
        let now = clock.now()
        let vault = try await store.write { transaction in
            guard var vault = try transaction.vault(named: name, at: now),
                vault.id.subscription?.lowercased() == id.subscription?.lowercased()
            else { throw APIError.noDeletedVault(name.text) }
            guard vault.id == id, location == nil || location == vault.location else {
                throw APIError.recoversElsewhere(vault)
            }
            guard let deletion = vault.deletion else { return vault }
            vault.deletion = nil
            try transaction.unschedule(AgendaItem(purgeOf: vault, due: deletion.scheduledPurge))
            try transaction.put(vault)
            try transaction.append(KeyChange(kind: .recovered, scope: vault.id, key: nil, version: nil))
            return vault
        }
        bell.ring()
        return vault
    }

    /// Destroys a deleted vault and all its keys.
    ///
    /// - Throws: ``APIError/noDeletedVault(_:)``, or ``APIError/vaultIsPurgeProtected(_:)``.
    func purge(_ name: String, location: String, subscription: String, by grant: Grant) async throws -> VaultRecord {
        let now = clock.now()
        return try await store.write { transaction in
            let vault = try deleted(name, location: location, subscription: subscription, in: transaction, at: now)
            guard !vault.hasPurgeProtection else { throw APIError.vaultIsPurgeProtected(vault) }
            if let name = VaultName(name) { try transaction.purgeVault(named: name) }
            return vault
        }
    }

    /// Destroys a deleted vault whose retention has ended. For ``VaultKeeper``.
    ///
    /// - Returns: whether there was one.
    func purgeAtEndOfRetention(_ vault: VaultRecord) async throws -> Bool {
        let now = clock.now()
        return try await store.write { transaction in
            guard let name = VaultName(vault.name),
                let stored = try transaction.value(VaultRecord.self, name.key, in: VaultRecord.collection)?.value,
                stored.instance == vault.instance, let deletion = stored.deletion, deletion.scheduledPurge <= now
            else { return false }
            try transaction.purgeVault(named: name)
            return true
        }
    }

    /// - Throws: ``APIError/noDeletedVault(_:)``.
    func deletedVault(_ name: String, location: String, subscription: String, by grant: Grant) async throws -> VaultRecord {
        let now = clock.now()
        return try await store.read {
            try deleted(name, location: location, subscription: subscription, in: $0, at: now)
        }
    }

    /// The deleted vaults of a subscription that can still be recovered, in order of name.
    func deletedVaults(in subscription: String, by grant: Grant) async throws -> [VaultRecord] {
        let now = clock.now()
        let vaults = try await store.read { try $0.vaults(at: now) }
        return vaults.filter { $0.deletion != nil && $0.id.subscription?.lowercased() == subscription.lowercased() }
    }

    private func deleted(
        _ name: String, location: String, subscription: String, in transaction: any ReadTransaction, at now: Timestamp
    ) throws -> VaultRecord {
        guard let valid = VaultName(name), let vault = try transaction.vault(named: valid, at: now), vault.deletion != nil,
            vault.location == (try VaultSpecification.location(location)),
            vault.id.subscription?.lowercased() == subscription.lowercased()
        else { throw APIError.noDeletedVault(name) }
        return vault
    }
}
