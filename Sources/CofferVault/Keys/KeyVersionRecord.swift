import CofferCore
import CofferModel

/// One version of a key: its material, sealed, and everything that can be set for it. The document's id is
/// ``path(_:of:in:)``.
struct KeyVersionRecord: Codable, Equatable, Sendable {
    static let collection = "key-versions"

    /// The key's name as it was spelled at creation.
    let name: String
    /// 32 hexadecimal digits.
    let version: String
    /// `RSA`.
    let type: String
    /// Length of the modulus in bits.
    let bits: Int
    /// Big-endian, as base 64 for URLs.
    let modulus: String
    let exponent: String
    /// The private key as PKCS#8 (RFC 5958), sealed in the realm of the vault, as base 64 for URLs.
    let sealedKey: String
    let created: Timestamp
    var updated: Timestamp
    var operations: [KeyOperation]
    var isEnabled: Bool
    /// In whole seconds.
    var notBefore: Timestamp?
    /// In whole seconds.
    var expires: Timestamp?
    var tags: [String: String]

    static func path(_ version: KeyVersionID, of name: KeyName, in vault: VaultRecord) -> String {
        "\(KeyRecord.path(name, in: vault))/\(version.text)"
    }

    func path(in vault: VaultRecord) -> String {
        "\(vault.instance)/\(name.lowercased())/\(version)"
    }

    /// The URL that names this version.
    func url(host: String) -> KeyURL { KeyURL(host: host, name: name, version: version) }

    /// The name under which the material is sealed.
    var sealName: String { "keys/\(name.lowercased())/\(version)" }
}

extension VaultRecord {
    /// The realm in which this vault's keys are sealed.
    var sealRealm: String { "vault/\(instance)" }
}
