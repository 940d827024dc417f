import CofferCore
import CofferCrypto
import CofferPlatform

/// The key that seals the values of one realm.
///
/// When you change the format of a box: give it a new version byte, keep opening the old ones, and describe it in
/// docs/formats/seal.md.
final class RealmKey: Sendable {
    /// Length in bytes: AES-256.
    static let count = 32
    /// The first byte of a box.
    static let version: UInt8 = 1
    /// Bytes by which a box is longer than the secret in it: version, nonce and tag.
    static let overhead = 1 + AESGCM.nonceLength + AESGCM.tagLength

    private let realm: String
    private let key: SecretBytes

    init(realm: String, key: consuming SecretBytes) {
        self.realm = realm
        self.key = key
    }

    /// `version || nonce || ciphertext || tag`.
    func seal(_ secret: borrowing SecretBytes, name: String) throws(CryptoError) -> [UInt8] {
        let nonce = SecureRandom.bytes(AESGCM.nonceLength)
        let box = try secret.withBytes { (bytes: RawSpan) throws(CryptoError) in
            try AESGCM.seal(bytes, key: key, nonce: nonce, authenticating: binding(name))
        }
        return [Self.version] + nonce + box
    }

    /// - Throws: ``SealError/notAuthentic``, whatever the reason.
    func open(_ sealed: [UInt8], name: String) throws(SealError) -> SecretBytes {
        guard sealed.count >= Self.overhead, sealed[0] == Self.version else { throw .notAuthentic }
        let nonce = Array(sealed[1..<1 + AESGCM.nonceLength])
        let box = Array(sealed[(1 + AESGCM.nonceLength)...])
        do {
            return try AESGCM.open(box, key: key, nonce: nonce, authenticating: binding(name))
        } catch {
            throw .notAuthentic
        }
    }

    /// A realm holds no zero byte, so no other pair of realm and name gives the same bytes.
    private func binding(_ name: String) -> [UInt8] {
        [Self.version] + Array(realm.utf8) + [0] + Array(name.utf8)
    }
}
