import CofferCore
import CofferModel
import CofferPlatform

/// A version whose content is secret, and sealed.
protocol SealedVersionRecord: VersionRecord {
    /// Sealed in the realm of the vault under ``VersionRecord/sealName``, as base 64 for URLs.
    var sealedContent: String { get set }
    /// Whether its content is not here but in a token.
    var isElsewhere: Bool { get }
}

extension SealedVersionRecord {
    var isElsewhere: Bool { false }
}

/// An object with all its versions as a client may keep it: opaque, and sealed for the object's kind, the vault's subscription and its
/// geography, so that it is restored nowhere else. docs/formats/backup.md has the layout.
struct BackupBlob<V: SealedVersionRecord>: Codable, Sendable {
    /// How many versions there may be besides the current one (contract section 1.10).
    static var mostPastVersions: Int { 500 }

    /// Of this layout.
    let format: Int
    let name: String
    let current: String
    /// Where the versions' content was sealed; nothing else is known of that vault, which may be gone.
    let instance: String
    let versions: [V]
    /// Of a key its own rotation policy, if it has one.
    let rotation: RotationPolicy?

    /// - Throws: ``APIError/backupTooLarge(_:)``.
    init(_ object: ObjectRecord, _ versions: [V], rotation: RotationPolicy? = nil, in vault: VaultRecord) throws {
        guard versions.count <= Self.mostPastVersions + 1 else { throw APIError.backupTooLarge(V.kind) }
        format = 1
        name = object.name
        current = object.current
        instance = vault.instance
        self.versions = versions
        self.rotation = rotation
    }

    /// - Throws: ``APIError/backupTooLarge(_:)``.
    func text(sealedBy sealer: any Sealer, in vault: VaultRecord) async throws -> String {
        try await BackupSeal(V.kind, vault).text(self, by: sealer)
    }

    /// Opens what ``text(sealedBy:in:)`` gave.
    ///
    /// - Throws: ``APIError/badBackup(_:)`` for everything else, damaged or from elsewhere.
    init(_ text: String, openedBy sealer: any Sealer, in vault: VaultRecord) async throws {
        let blob = try await BackupSeal(V.kind, vault).open(Self.self, text, by: sealer)
        guard blob.format == 1 else { throw APIError.badBackup(V.kind) }
        self = blob
    }

    /// The versions with their content sealed for another vault.
    ///
    /// - Throws: `SealError.notAuthentic` if the content is not what was sealed.
    func versions(resealedBy sealer: any Sealer, for vault: VaultRecord) async throws -> [V] {
        var resealed: [V] = []
        for var version in versions {
            guard let sealed = Base64URL.decode(version.sealedContent) else { throw SealError.notAuthentic }
            let content = try await sealer.open(sealed, realm: VaultRecord.sealRealm(instance), name: version.sealName)
            version.sealedContent = Base64URL.encode(
                try await sealer.seal(content, realm: vault.sealRealm, name: version.sealName))
            resealed.append(version)
        }
        return resealed
    }
}

extension APIError {
    /// 400: more than a backup holds.
    static func backupTooLarge(_ kind: ObjectKind) -> APIError {
        badParameter(
            "The \(kind.noun) has more than 500 past versions, or they are too large for one backup. Versions do not go one by one: set its "
                + "value under a new name and back that up.")
    }

    /// 400: no backup that can be restored here.
    static func badBackup(_ kind: ObjectKind) -> APIError {
        badParameter(
            "The value is not the backup of a \(kind.noun) that was made in this subscription and geography, or it is damaged. Make one "
                + "with: az keyvault \(kind.noun) backup")
    }
}
