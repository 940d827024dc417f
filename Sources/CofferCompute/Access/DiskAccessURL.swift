import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// The URLs of an access: of the disk as a page blob, and of the operation that gave it.
///
/// The path has the three parts that Microsoft's clients expect of a blob on a host of its own: account, container, blob. Of the query
/// they keep what a shared access signature has, so that the secret is its signature.
struct DiskAccessURL: Sendable {
    /// The first segment of the paths.
    static let root = "disk-access"
    static let blob = "disk.vhd"
    static let operation = "operation"
    /// Of the operation that ended an access.
    static let ended = "ended"

    /// `https://localhost:8443`.
    let authority: String
    let access: DiskAccess
    /// In base 64 for URLs.
    let secret: String

    var blobText: String {
        let permissions = access.level == .read ? "r" : "rw"
        let expires = access.expires.description.replacing(":", with: "%3A")
        return "\(authority)/\(Self.root)/\(access.id)/\(Self.blob)?sv=2018-03-28&sr=b&spr=https&sp=\(permissions)&se=\(expires)&sig=\(secret)"
    }

    var operationText: String {
        "\(authority)/\(Self.root)/\(access.id)/\(Self.operation)?sig=\(secret)"
    }

    /// The id and the secret in the URL of a blob; nil if it is another URL.
    static func parts(of url: String) -> (id: String, secret: String)? {
        let halves = url.split(separator: "?", maxSplits: 1)
        guard halves.count == 2, let path = RequestTarget.segments(of: String(halves[0])), let query = RequestTarget.query(of: String(halves[1])),
            path.suffix(3).count == 3, path[path.count - 3] == root, path[path.count - 1] == blob,
            let secret = query.first(where: { $0.name == "sig" })?.value
        else { return nil }
        return (path[path.count - 2], secret)
    }
}

extension DiskAccess {
    /// A new access with its secret.
    static func make(_ level: Level, until expires: Timestamp) -> (access: DiskAccess, secret: String) {
        let (text, digest) = AccessSecret.make()
        return (DiskAccess(id: Hex.encode(SecureRandom.bytes(16)), level: level, expires: expires, digest: digest), text)
    }

    /// Whether a text is this access's secret.
    func isOpened(by secret: String) -> Bool {
        AccessSecret.isValid(secret, for: digest)
    }
}
