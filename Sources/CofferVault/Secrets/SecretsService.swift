import CofferCore
import CofferModel
import CofferPlatform

/// Sets, reads, lists and changes the secrets of a vault. Knows nothing of HTTP.
struct SecretsService: Sendable {
    let store: any Store
    let sealer: any Sealer
    let material: KeyMaterial
    let clock: any WallClock

    /// Makes a secret, or a new version of the secret that has the name, which becomes the current one.
    ///
    /// - Throws: ``APIError/isDeletedButRecoverable(_:_:)``, or ``APIError/isManaged(_:_:)`` for the secret of a certificate.
    func set(
        _ name: ObjectName, to value: borrowing SecretBytes, with attributes: SecretAttributes, in vault: VaultRecord, by grant: Grant
    ) async throws -> SecretVersionRecord {
        let version = ObjectVersionID.random()
        let sealed = Base64URL.encode(
            try await sealer.seal(value, realm: vault.sealRealm, name: SecretVersionRecord.sealName(version, of: name)))
        let now = clock.now()
        return try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let existing = try transaction.objectIfAny(.secrets, name, in: vault)
            var record = SecretVersionRecord(
                name: existing?.name ?? name.text, version: version.text, isManaged: false, sealedValue: sealed, contentType: nil,
                created: now, updated: now, isEnabled: true, notBefore: nil, expires: nil, tags: [:], previousVersion: existing?.current)
            try record.apply(attributes, at: now)
            try transaction.add(record, in: vault, at: now)
            return record
        }
    }

    /// A secret's version, or its current one, with its value. Its dates are information only (contract section 1.5).
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, ``APIError/secretDisabled``, or `SealError` if the stored value is not what was sealed.
    func opened(
        _ version: String?, of name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> OpenedSecret {
        let record = try await store.version(SecretVersionRecord.self, of: name, version, in: vault)
        guard record.isEnabled else { throw APIError.secretDisabled }
        guard let sealed = Base64URL.decode(record.sealedValue) else { throw SealError.notAuthentic }
        return OpenedSecret(
            version: record, value: try await sealer.open(sealed, realm: vault.sealRealm, name: record.sealName))
    }

    /// Changes a version's attributes, content type or tags; never its value.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, or ``APIError/isManaged(_:_:)`` for the secret of a certificate.
    func update(
        _ version: String?, of name: ObjectName, with attributes: SecretAttributes, in vault: VaultRecord, by grant: Grant
    ) async throws -> SecretVersionRecord {
        let now = clock.now()
        return try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            var record = try transaction.version(SecretVersionRecord.self, of: name, version, in: vault)
            guard !record.isManaged else { throw APIError.isManaged(.secrets, record.name) }
            try record.apply(attributes, at: now)
            try transaction.replace(record, in: vault)
            return record
        }
    }

    /// A secret's version, or its current one, without its value.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func version(
        _ version: String?, of name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> SecretVersionRecord {
        try await store.version(SecretVersionRecord.self, of: name, version, in: vault)
    }

    /// The current versions of up to `limit` secrets after the one named `mark`, in order of name.
    func secrets(
        in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<SecretVersionRecord> {
        try await store.read { try $0.currentVersions(SecretVersionRecord.self, in: vault, after: mark, limit: limit) }
    }

    /// Up to `limit` versions of a secret after the version `mark`, in order of their ids.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func versions(
        of name: ObjectName, in vault: VaultRecord, after mark: ObjectVersionID?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<SecretVersionRecord> {
        try await store.read { try $0.versions(SecretVersionRecord.self, of: name, in: vault, after: mark, limit: limit) }
    }
}

/// A secret's version with its value, opened.
struct OpenedSecret: ~Copyable, Sendable {
    let version: SecretVersionRecord
    let value: SecretBytes
}
