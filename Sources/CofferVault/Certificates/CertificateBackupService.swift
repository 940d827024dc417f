import CofferCore
import CofferModel
import CofferPlatform

/// A certificate with its key, its secret and its policy as a client may keep it.
struct CertificateBackup: Codable, Sendable {
    let format: Int
    let object: ObjectRecord
    let versions: [CertificateVersionRecord]
    let policy: CertificatePolicy
    let keys: BackupBlob<KeyVersionRecord>
    let secrets: BackupBlob<SecretVersionRecord>
}

/// Backs certificates up and restores them. Knows nothing of HTTP.
struct CertificateBackupService: Sendable {
    let store: any Store
    let sealer: any Sealer
    let clock: any WallClock
    let bell: EventBell

    /// - Throws: ``APIError/notFound(_:_:_:)``, ``APIError/hardwareKeyHasNoBackup(_:)``, or ``APIError/backupTooLarge(_:)``.
    func backup(_ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> String {
        let backup = try await store.read { transaction in
            let object = try transaction.object(.certificates, name, in: vault)
            guard let policy = try transaction.certificatePolicy(of: name, in: vault) else {
                throw APIError.notFound(.certificates, name.text, nil)
            }
            let keys = try transaction.storedVersions(KeyVersionRecord.self, of: name, in: vault)
            guard !keys.contains(where: { $0.isElsewhere }) else { throw APIError.hardwareKeyHasNoBackup(object.name) }
            return CertificateBackup(
                format: 1, object: object, versions: try transaction.storedVersions(CertificateVersionRecord.self, of: name, in: vault),
                policy: policy,
                keys: try BackupBlob(try transaction.object(.keys, name, in: vault), keys, in: vault),
                secrets: try BackupBlob(
                    try transaction.object(.secrets, name, in: vault),
                    try transaction.storedVersions(SecretVersionRecord.self, of: name, in: vault), in: vault))
        }
        return try await BackupSeal(.certificates, vault).text(backup, by: sealer)
    }

    /// Brings a backup's certificate into a vault, with the name and the versions that it had.
    ///
    /// - Throws: ``APIError/badBackup(_:)``, ``APIError/alreadyExists(_:_:)``, or ``APIError/isDeletedButRecoverable(_:_:)``.
    func restore(_ text: String, in vault: VaultRecord, by grant: Grant) async throws -> ObjectName {
        let backup = try await BackupSeal(.certificates, vault).open(CertificateBackup.self, text, by: sealer)
        guard backup.format == 1 else { throw APIError.badBackup(.certificates) }
        let keys = try await backup.keys.versions(resealedBy: sealer, for: vault)
        let secrets = try await backup.secrets.versions(resealedBy: sealer, for: vault)
        let name = try ObjectName(backup.object.name)
        let now = clock.now()
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            for kind in ObjectKind.allCases {
                if let existing = try transaction.objectIfAny(kind, name, in: vault) { throw APIError.alreadyExists(kind, existing.name) }
                try transaction.makeRoom(kind, name, in: vault, at: now)
                try transaction.put(
                    ObjectRecord(name: backup.object.name, current: backup.object.current, isManaged: kind != .certificates, deletion: nil),
                    ObjectRecord.path(name, in: vault), in: kind.collection)
            }
            for version in backup.versions { try transaction.replace(version, in: vault) }
            for version in keys { try transaction.replace(version, in: vault) }
            for version in secrets { try transaction.replace(version, in: vault) }
            try transaction.put(backup.policy, of: name, in: vault)
            try transaction.scheduleLifetimeAction(of: name, in: vault)
            try transaction.append(KeyChange(kind: .recovered, scope: vault.id, key: backup.object.name, version: nil))
        }
        bell.ring()
        return name
    }
}
