import CofferCore

/// The key schedule of HPKE's base mode (RFC 9180 sections 4.1 and 5.1) up to the key and nonce of the first message.
struct HPKESchedule: ~Copyable {
    let key: SecretBytes
    let nonce: [UInt8]

    /// - Parameters:
    ///   - agreed: What X25519 gave.
    ///   - encapsulated: The sender's ephemeral public key.
    ///   - recipient: The recipient's public key.
    ///   - info: What the application binds the message to.
    init(
        agreed: borrowing SecretBytes, encapsulated: [UInt8], recipient: [UInt8], info: [UInt8]
    ) throws(CryptoError) {
        let kem = Suite.kem
        let prk = try agreed.withBytes { (agreed: RawSpan) throws(CryptoError) in
            try kem.extract("eae_prk", agreed, salt: RawSpan())
        }
        let shared = try kem.expand(prk, "shared_secret", info: encapsulated + recipient, count: 32)

        let suite = Suite.whole
        let identifierHash = try suite.extract("psk_id_hash", RawSpan(), salt: RawSpan())
        let infoHash = unsafe try suite.extract("info_hash", info.span.bytes, salt: RawSpan())
        let context = [Self.baseMode] + Self.array(identifierHash) + Self.array(infoHash)
        let secret = try shared.withBytes { (shared: RawSpan) throws(CryptoError) in
            try suite.extract("secret", RawSpan(), salt: shared)
        }
        let nonce = Self.array(try suite.expand(secret, "base_nonce", info: context, count: AESGCM.nonceLength))
        key = try suite.expand(secret, "key", info: context, count: 32)
        self.nonce = nonce
    }

    private static let baseMode: UInt8 = 0

    /// Copies out what is not secret: hashes of public things, and the nonce.
    private static func array(_ bytes: borrowing SecretBytes) -> [UInt8] {
        bytes.withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
    }
}

/// HKDF with the labels of RFC 9180 section 4, which keep each use apart from all others.
private struct Suite {
    private let identifier: [UInt8]

    /// DHKEM(X25519, HKDF-SHA256), number 0x0020 (section 7.1).
    static let kem = Suite(identifier: Array("KEM".utf8) + [0x00, 0x20])
    /// With HKDF-SHA256, 0x0001 (section 7.2), and AES-256-GCM, 0x0002 (section 7.3).
    static let whole = Suite(identifier: Array("HPKE".utf8) + [0x00, 0x20, 0x00, 0x01, 0x00, 0x02])

    private static let version = Array("HPKE-v1".utf8)

    /// LabeledExtract.
    func extract(_ label: String, _ material: RawSpan, salt: RawSpan) throws(CryptoError) -> SecretBytes {
        let prefix = Self.version + identifier + Array(label.utf8)
        let labelled = SecretBytes(count: prefix.count + material.byteCount) { (span: inout MutableRawSpan) in
            unsafe span.withUnsafeMutableBytes { target in
                unsafe target.copyBytes(from: prefix)
                unsafe material.withUnsafeBytes { source in
                    unsafe UnsafeMutableRawBufferPointer(rebasing: target[prefix.count...]).copyMemory(from: source)
                }
            }
        }
        return try HKDF.extract(from: labelled, salt: salt)
    }

    /// LabeledExpand.
    func expand(
        _ key: borrowing SecretBytes, _ label: String, info: [UInt8], count: Int
    ) throws(CryptoError) -> SecretBytes {
        let length = [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
        let labelled = length + Self.version + identifier + Array(label.utf8) + info
        return try HKDF.expand(key, info: labelled, count: count)
    }
}
