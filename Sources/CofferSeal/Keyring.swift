package import CofferCore
import CofferCrypto
package import CofferPlatform
import Synchronization

/// Seals under keys of the store that are themselves wrapped under the root key (docs/formats/seal.md).
///
/// Each realm has a random key of its own, made at its first use and kept in locked memory from then on.
package final class Keyring: Sealer {
    private let root: SecretBytes
    private let store: any Store
    /// By the bytes of the realm: to Swift an accented letter and its decomposition are one text, to a database two.
    private let opened = Mutex<[[UInt8]: RealmKey]>([:])

    private static let keys = "seal-keys"
    private static let checks = "seal-checks"

    /// Opens the keyring of a store, and makes it if the store has none.
    ///
    /// - Parameter root: 32 bytes, such as ``FileRootKey/load()`` gives.
    /// - Throws: ``SealError/wrongRootKey`` if the store was sealed under another root key.
    package static func open(root: consuming SecretBytes, store: any Store) async throws -> Keyring {
        let keyring = Keyring(root: root, store: store)
        guard let record = try await keyring.record("root", in: checks, purpose: checkPurpose) else {
            throw StoreError.corrupt("\(checks)/root")
        }
        do {
            _ = try keyring.unwrap(record, purpose: checkPurpose)
        } catch CryptoError.authenticationFailed {
            throw SealError.wrongRootKey
        }
        return keyring
    }

    /// Whether something was sealed in this store already.
    package static func exists(in store: any Store) async throws -> Bool {
        try await store.read { try $0.document("root", in: checks) != nil }
    }

    private init(root: consuming SecretBytes, store: any Store) {
        self.root = root
        self.store = store
    }

    package func seal(_ secret: borrowing SecretBytes, realm: String, name: String) async throws -> [UInt8] {
        if let key = cached(realm) { return try key.seal(secret, name: name) }
        guard let record = try await record(realm, in: Self.keys, purpose: Self.purpose(of: realm)) else {
            throw StoreError.corrupt("\(Self.keys)/\(realm)")
        }
        return try key(of: realm, in: record).seal(secret, name: name)
    }

    package func open(_ sealed: [UInt8], realm: String, name: String) async throws -> SecretBytes {
        if let key = cached(realm) { return try key.open(sealed, name: name) }
        guard let record = try await store.read({ try $0.value(WrappedKeyRecord.self, realm, in: Self.keys)?.value }) else {
            throw SealError.notAuthentic
        }
        return try key(of: realm, in: record).open(sealed, name: name)
    }

    private func cached(_ realm: String) -> RealmKey? {
        opened.withLock { $0[Array(realm.utf8)] }
    }

    private func key(of realm: String, in record: WrappedKeyRecord) throws -> RealmKey {
        let key: RealmKey
        do {
            key = RealmKey(realm: realm, key: try unwrap(record, purpose: Self.purpose(of: realm)))
        } catch CryptoError.authenticationFailed {
            throw StoreError.corrupt("\(Self.keys)/\(realm)")
        }
        return opened.withLock { opened in
            if let first = opened[Array(realm.utf8)] { return first }
            opened[Array(realm.utf8)] = key
            return key
        }
    }

    /// The record with this id, made if there is none. Of several that make it at once, here or in other processes, the
    /// first to commit wins, and all go on with its key.
    private func record(_ id: String, in collection: String, purpose: [UInt8]) async throws -> WrappedKeyRecord? {
        if let record = try await store.read({ try $0.value(WrappedKeyRecord.self, id, in: collection)?.value }) {
            return record
        }
        let fresh = WrappedKeyRecord(
            wrapped: try AESKeyWrap.wrap(SecureRandom.secret(RealmKey.count), with: try wrapping(purpose)))
        return try await store.write { transaction in
            if let record = try transaction.value(WrappedKeyRecord.self, id, in: collection)?.value { return record }
            try transaction.put(fresh, id, in: collection, if: .absent)
            return fresh
        }
    }

    private func unwrap(_ record: WrappedKeyRecord, purpose: [UInt8]) throws -> SecretBytes {
        guard let wrapped = record.wrapped else { throw CryptoError.authenticationFailed }
        return try AESKeyWrap.unwrap(wrapped, with: try wrapping(purpose))
    }

    /// Each wrapped key has a wrapping key of its own, so that one put in another's place does not unwrap.
    private func wrapping(_ purpose: [UInt8]) throws -> SecretBytes {
        try HKDF.deriveKey(from: root, salt: [], info: purpose, count: 32)
    }

    private static let checkPurpose = Array("coffer seal check v1".utf8)

    /// - Throws: ``StoreError/badName`` if no realm can have this name.
    private static func purpose(of realm: String) throws -> [UInt8] {
        guard StoreName.isID(realm), realm.utf8.count <= 1024 else { throw StoreError.badName }
        return Array("coffer realm key v1".utf8) + [0] + Array(realm.utf8)
    }
}
