package import CofferCore
package import CofferPlatform

/// The installation's word that a chain had this record: an event of ``AuditChain/signatures``.
package struct SignedHead: Codable, Equatable, Sendable {
    /// The number of the record.
    package let count: Int64
    /// Its hash, in base64url.
    package let hash: String
    /// When it was signed.
    package let time: Timestamp
    /// The thumbprint of the key.
    package let key: String
    /// In base64url.
    package let signature: String

    package init(count: Int64, hash: String, time: Timestamp, signature: HeadSignature) {
        self.count = count
        self.hash = hash
        self.time = time
        key = signature.keyID
        self.signature = Base64URL.encode(signature.bytes)
    }

    /// What is signed: `coffer audit head v1`, a zero byte, the chain's key, a zero byte, the number and the time in
    /// milliseconds (8 bytes each, big-endian), the hash.
    package static func message(_ chain: AuditChain, count: Int64, hash: [UInt8], time: Timestamp) -> [UInt8] {
        var message = ByteWriter()
        message.write("coffer audit head v1".utf8)
        message.write(UInt8(0))
        message.write(chain.key.utf8)
        message.write(UInt8(0))
        message.write(UInt64(bitPattern: count))
        message.write(UInt64(bitPattern: time.milliseconds))
        message.write(hash)
        return message.bytes
    }
}
