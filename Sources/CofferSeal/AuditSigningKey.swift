import CofferCore
package import CofferCrypto
package import CofferPlatform

/// The installation's key that signs the heads of the audit log, made at the first start and the same ever after, so that
/// a verifier who kept its public half can tell a replaced one.
package final class AuditSigningKey: HeadSigner {
    private let key: Ed25519Key

    /// Opens the key of a store, and makes it if the store has none. Of replicas that start together the first one's is kept.
    ///
    /// - Throws: ``SealError`` if the key was sealed elsewhere, ``StoreError/corrupt(_:)`` if its halves do not belong together.
    package static func open(store: any Store, sealer: any Sealer) async throws -> AuditSigningKey {
        let record = try await record(in: store, sealer)
        guard let sealed = Base64URL.decode(record.sealed) else { throw StoreError.corrupt(AuditSigningKeyRecord.place) }
        let seed = try await sealer.open(sealed, realm: AuditSigningKeyRecord.realm, name: AuditSigningKeyRecord.sealName)
        let key = AuditSigningKey(try Ed25519Key(seed))
        guard Base64URL.encode(key.publicKey.bytes) == record.publicKey else {
            throw StoreError.corrupt(AuditSigningKeyRecord.place)
        }
        return key
    }

    private init(_ key: Ed25519Key) {
        self.key = key
    }

    /// The public half, which verifiers should keep where nobody who can write the store can write.
    package var publicKey: Ed25519PublicKey { key.publicKey }

    package func sign(_ message: [UInt8]) async throws -> HeadSignature {
        HeadSignature(keyID: publicKey.thumbprint, bytes: try key.sign(message))
    }

    private static func record(in store: any Store, _ sealer: any Sealer) async throws -> AuditSigningKeyRecord {
        typealias Record = AuditSigningKeyRecord
        if let record = try await store.read({ try $0.value(Record.self, Record.id, in: Record.collection)?.value }) { return record }
        let seed = SecureRandom.secret(Ed25519Key.length)
        let publicKey = try Ed25519Key(seed).publicKey
        let fresh = Record(
            publicKey: Base64URL.encode(publicKey.bytes),
            sealed: Base64URL.encode(try await sealer.seal(seed, realm: Record.realm, name: Record.sealName)))
        return try await store.write { transaction in
            if let record = try transaction.value(Record.self, Record.id, in: Record.collection)?.value { return record }
            try transaction.put(fresh, Record.id, in: Record.collection, if: .absent)
            return fresh
        }
    }
}

/// The key as it is stored: its public half in clear, its private half sealed.
private struct AuditSigningKeyRecord: Codable, Sendable {
    static let collection = "audit-signing-keys"
    static let id = "1"
    static let place = "audit-signing-keys/1"
    static let realm = "audit"
    static let sealName = "audit-signing-key/1"

    /// Both in base64url.
    let publicKey: String
    let sealed: String
}
