import CofferCore
import CofferModel

/// One version of a key, secret or certificate: its content, sealed where it is secret, and everything that can be set for it. The
/// document's id is ``path(in:)``.
protocol VersionRecord: Codable, Sendable {
    static var kind: ObjectKind { get }

    /// The object's name as it was spelled at creation.
    var name: String { get }
    /// 32 hexadecimal digits.
    var version: String { get }
    /// Whether a certificate of the same name and version keeps it.
    var isManaged: Bool { get }
    var created: Timestamp { get }
    var updated: Timestamp { get set }
    var isEnabled: Bool { get set }
    /// In whole seconds.
    var notBefore: Timestamp? { get set }
    /// In whole seconds.
    var expires: Timestamp? { get set }
    var tags: [String: String] { get set }
}

extension VersionRecord {
    static func path(_ version: ObjectVersionID, of name: ObjectName, in vault: VaultRecord) -> String {
        "\(ObjectRecord.path(name, in: vault))/\(version.text)"
    }

    func path(in vault: VaultRecord) -> String { "\(vault.instance)/\(name.lowercased())/\(version)" }

    /// The name under which the content is sealed, in the realm of the vault.
    var sealName: String { "\(Self.kind.rawValue)/\(name.lowercased())/\(version)" }

    /// The same of a version that is yet to be made.
    static func sealName(_ version: ObjectVersionID, of name: ObjectName) -> String { "\(kind.rawValue)/\(name.key)/\(version.text)" }

    /// The URL that names this version.
    func id(host: String) -> String { "\(baseID(host: host))/\(version)" }

    /// The URL that names the object, whichever its current version is.
    func baseID(host: String) -> String { "https://\(host)/\(Self.kind.rawValue)/\(name)" }

    /// Takes over what `attributes` says.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if it would expire before it becomes valid.
    mutating func apply(_ attributes: ObjectAttributes, at now: Timestamp) throws {
        isEnabled = attributes.isEnabled ?? isEnabled
        notBefore = attributes.notBefore ?? notBefore
        expires = attributes.expires ?? expires
        tags = attributes.tags ?? tags
        updated = now
        if let notBefore, let expires, expires <= notBefore {
            throw APIError.badParameter("attributes.exp must be later than attributes.nbf.")
        }
    }
}

extension VaultRecord {
    /// The realm in which this vault's secrets are sealed.
    var sealRealm: String { "vault/\(instance)" }
}
