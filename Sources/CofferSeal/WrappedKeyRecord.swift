import CofferCore

/// A key wrapped under the root key, as it is stored.
struct WrappedKeyRecord: Codable, Sendable {
    /// The version of this record's form.
    let version: Int
    /// RFC 3394, base64url.
    let key: String

    init(wrapped: [UInt8]) {
        version = 1
        key = Base64URL.encode(wrapped)
    }

    /// The wrapped key, or nil if the record is of another version or damaged.
    var wrapped: [UInt8]? { version == 1 ? Base64URL.decode(key) : nil }
}
