import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// A right to read a virtual machine's console log over HTTPS, for whoever has its URL.
struct ConsoleLogAccess: Codable, Equatable, Sendable {
    static let collection = "console-log-accesses"
    /// The first segment of the paths.
    static let root = "boot-diagnostics"
    static let fileName = "serialconsole.log"

    /// Names it in its URL: 32 hexadecimal digits, no secret.
    let id: String
    let resource: ResourceID
    /// Another machine of the same name is not opened.
    let machine: MachineID
    let expires: Timestamp
    /// SHA-256 of the URL's secret, which is kept nowhere.
    let digest: [UInt8]

    /// A new access with its secret.
    static func make(to record: MachineRecord, until expires: Timestamp) -> (access: ConsoleLogAccess, secret: String) {
        let (secret, digest) = AccessSecret.make()
        let access = ConsoleLogAccess(
            id: Hex.encode(SecureRandom.bytes(16)), resource: record.id, machine: record.machine, expires: expires, digest: digest)
        return (access, secret)
    }

    /// - Parameter authority: `https://localhost:8443`.
    func url(_ authority: String, secret: String) -> String {
        "\(authority)/\(Self.root)/\(id)/\(Self.fileName)?se=\(expires.description.replacing(":", with: "%3A"))&sig=\(secret)"
    }
}

extension ReadTransaction {
    func consoleLogAccess(_ id: String) throws -> ConsoleLogAccess? {
        try value(ConsoleLogAccess.self, id, in: ConsoleLogAccess.collection)?.value
    }
}

extension WriteTransaction {
    /// Remembers an access, and forgets some that have expired: those next to it, which are any, as ids are random.
    func remember(_ access: ConsoleLogAccess, now: Timestamp) throws {
        for old in try documents(in: ConsoleLogAccess.collection, prefix: "", after: access.id, limit: 100) {
            guard let known = try? JSON.decode(ConsoleLogAccess.self, from: old.body), known.expires < now else { continue }
            try remove(old.id, in: ConsoleLogAccess.collection, if: .any)
        }
        try put(access, access.id, in: ConsoleLogAccess.collection)
    }
}
