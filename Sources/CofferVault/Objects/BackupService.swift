import CofferCore
import CofferModel
import CofferPlatform

/// Backs objects up and restores them (contract section 1.10). What is restored is a copy of its own: deleting or changing the object that
/// was backed up does nothing to it. Knows nothing of HTTP.
struct BackupService: Sendable {
    let store: any Store
    let sealer: any Sealer
    let clock: any WallClock
    let bell: EventBell

    /// An object with all its versions, as the text that a client keeps.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, ``APIError/isManaged(_:_:)``, or ``APIError/backupTooLarge(_:)``.
    func backup<V: SealedVersionRecord>(
        _ type: V.Type, _ name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> String {
        let blob = try await store.read { transaction in
            let object = try transaction.object(V.kind, name, in: vault)
            guard !object.isManaged else { throw APIError.isManaged(V.kind, object.name) }
            let versions = try transaction.storedVersions(V.self, of: name, in: vault)
            guard !versions.contains(where: { $0.isElsewhere }) else { throw APIError.hardwareKeyHasNoBackup(object.name) }
            let rotation = V.kind == .keys ? try transaction.rotationPolicy(of: name, in: vault) : nil
            return try BackupBlob(object, versions, rotation: rotation, in: vault)
        }
        return try await blob.text(sealedBy: sealer, in: vault)
    }

    /// Brings a backup's object into a vault, with the name and the versions that it had.
    ///
    /// - Returns: its current version.
    /// - Throws: ``APIError/badBackup(_:)``, ``APIError/alreadyExists(_:_:)``, or ``APIError/isDeletedButRecoverable(_:_:)``.
    func restore<V: SealedVersionRecord>(_ type: V.Type, from text: String, in vault: VaultRecord, by grant: Grant) async throws -> V {
        let blob = try await BackupBlob<V>(text, openedBy: sealer, in: vault)
        let versions = try await blob.versions(resealedBy: sealer, for: vault)
        let name = try ObjectName(blob.name)
        guard let current = versions.first(where: { $0.version == blob.current }), versions.allSatisfy({ $0.name == blob.name }) else {
            throw APIError.badBackup(V.kind)
        }
        let now = clock.now()
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            if try transaction.objectIfAny(V.kind, name, in: vault) != nil { throw APIError.alreadyExists(V.kind, blob.name) }
            try transaction.makeRoom(V.kind, name, in: vault, at: now)
            for version in versions { try transaction.put(version, version.path(in: vault), in: V.kind.versionsCollection, if: .absent) }
            try transaction.put(
                ObjectRecord(name: blob.name, current: blob.current, isManaged: false, deletion: nil),
                ObjectRecord.path(name, in: vault), in: V.kind.collection)
            guard V.kind == .keys else { return }
            if let rotation = blob.rotation { try transaction.put(rotation, of: name, in: vault) }
            try transaction.scheduleRotation(of: name, in: vault)
            try transaction.append(KeyChange(kind: .recovered, scope: vault.id, key: blob.name, version: nil))
        }
        bell.ring()
        return current
    }
}
