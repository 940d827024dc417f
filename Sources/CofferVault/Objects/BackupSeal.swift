import CofferCore
import CofferModel
import CofferPlatform

/// Makes a backup opaque: sealed for a kind of object, a vault's subscription and its geography, so that it opens nowhere else
/// (docs/formats/backup.md).
struct BackupSeal: Sendable {
    /// How long the text may be: a request that brings it back must not be larger than the server takes.
    private static let longestText = 4_000_000

    let kind: ObjectKind
    private let realm: String
    private let name: String

    init(_ kind: ObjectKind, _ vault: VaultRecord) {
        self.kind = kind
        realm = "backup/\(vault.id.subscription?.lowercased() ?? "")"
        name = "\(kind.rawValue)/\(Location.geography(of: vault.location))"
    }

    /// - Throws: ``APIError/backupTooLarge(_:)``.
    func text(_ backup: some Encodable, by sealer: any Sealer) async throws -> String {
        var bytes = try JSON.encode(backup)
        let text = Base64URL.encode(try await sealer.seal(SecretBytes(wiping: &bytes), realm: realm, name: name))
        guard text.utf8.count <= Self.longestText else { throw APIError.backupTooLarge(kind) }
        return text
    }

    /// Opens what ``text(_:by:)`` gave.
    ///
    /// - Throws: ``APIError/badBackup(_:)`` for everything else, damaged or from elsewhere.
    func open<Backup: Decodable>(_ type: Backup.Type, _ text: String, by sealer: any Sealer) async throws -> Backup {
        guard text.utf8.count <= Self.longestText, let sealed = Base64URL.decode(text), !sealed.isEmpty else {
            throw APIError.badBackup(kind)
        }
        let opened: SecretBytes
        do {
            opened = try await sealer.open(sealed, realm: realm, name: name)
        } catch {
            guard error as? SealError == .notAuthentic else { throw error }
            throw APIError.badBackup(kind)
        }
        let bytes = opened.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        guard let backup = try? JSON.decode(Backup.self, from: bytes) else { throw APIError.badBackup(kind) }
        return backup
    }
}
