import CofferCore

/// A version of the platform key, as it is stored.
struct PlatformKeyRecord: Codable, Sendable {
    static let collection = "platform-keys"
    /// The document that holds a ``PlatformKeyVersion`` beside the versions.
    static let currentID = "current"
    static let realm = "platform"

    /// From 1.
    let version: Int64
    /// AES-256, sealed, in base64url.
    let sealed: String

    /// Ten digits, so that versions sort by number.
    static func id(_ version: Int64) -> String {
        let digits = String(version)
        return String(repeating: "0", count: max(0, 10 - digits.count)) + digits
    }

    static func sealName(_ version: Int64) -> String { "platform-key/\(version)" }
}

/// Which version new data keys are wrapped under.
struct PlatformKeyVersion: Codable, Sendable {
    let version: Int64
}
