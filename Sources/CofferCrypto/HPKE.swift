package import CofferCore

/// Hybrid public key encryption (RFC 9180), base mode, one message a key: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
/// AES-256-GCM. A sealed message is the encapsulated key (32 bytes), the ciphertext and the tag (16 bytes).
///
/// Base mode tells the recipient nothing of the sender: anybody who knows the public key can seal.
package enum HPKE {
    /// Bytes by which a sealed message is longer than the secret in it.
    package static let overhead = X25519Key.length + AESGCM.tagLength

    /// `secret` for the owner of `publicKey` alone.
    ///
    /// - Parameters:
    ///   - info: What the message is for; the recipient must name the same. At most 1024 bytes.
    ///   - data: What the message belongs to; the recipient must name the same.
    /// - Throws: ``CryptoError/invalidKey`` if `publicKey` is none of X25519's.
    package static func seal(
        _ secret: RawSpan, to publicKey: [UInt8], info: [UInt8], authenticating data: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let ephemeral = try X25519Key(SecureRandom.secret(X25519Key.length))
        return try seal(secret, to: publicKey, ephemeral: ephemeral, info: info, authenticating: data)
    }

    /// The same with an ephemeral key that is given. It must serve once; known-answer tests need it.
    static func seal(
        _ secret: RawSpan, to publicKey: [UInt8], ephemeral: borrowing X25519Key, info: [UInt8],
        authenticating data: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let agreed = try ephemeral.agree(with: publicKey)
        let schedule = try HPKESchedule(
            agreed: agreed, encapsulated: ephemeral.publicKey, recipient: publicKey, info: info)
        let box = try AESGCM.seal(secret, key: schedule.key, nonce: schedule.nonce, authenticating: data)
        return ephemeral.publicKey + box
    }
}

/// A key pair to which others seal messages with ``HPKE``.
package struct HPKEPrivateKey: ~Copyable, Sendable {
    /// The half to give away, 32 bytes.
    package let publicKey: [UInt8]
    private let bytes: SecretBytes

    /// A new pair.
    package static func generate() -> HPKEPrivateKey {
        let bytes = SecureRandom.secret(X25519Key.length)
        guard let pair = try? HPKEPrivateKey(bytes) else { preconditionFailure("OpenSSL offers no X25519") }
        return pair
    }

    /// The pair of a private key of 32 bytes.
    ///
    /// - Throws: ``CryptoError/invalidKey`` for another length.
    package init(_ bytes: consuming SecretBytes) throws(CryptoError) {
        publicKey = try X25519Key(bytes).publicKey
        self.bytes = bytes
    }

    /// The secret that was sealed to this pair.
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` if `sealed` was made for another pair, purpose or data, or was
    ///   changed since.
    package borrowing func open(
        _ sealed: [UInt8], info: [UInt8], authenticating data: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        guard sealed.count >= HPKE.overhead else { throw .authenticationFailed }
        let encapsulated = Array(sealed[..<X25519Key.length])
        let agreed: SecretBytes
        do {
            agreed = try X25519Key(bytes).agree(with: encapsulated)
        } catch {
            throw .authenticationFailed
        }
        let schedule = try HPKESchedule(agreed: agreed, encapsulated: encapsulated, recipient: publicKey, info: info)
        return try AESGCM.open(
            Array(sealed[X25519Key.length...]), key: schedule.key, nonce: schedule.nonce, authenticating: data)
    }
}
