import CofferCore
import CofferModel
import CofferPlatform

/// What a key's versions have in common. The document's id is ``path(_:in:)``.
struct KeyRecord: Codable, Equatable, Sendable {
    static let collection = "keys"

    /// As it was spelled at creation.
    let name: String
    /// The version that is meant where none is named: the newest.
    var current: String

    static func path(_ name: KeyName, in vault: VaultRecord) -> String { "\(vault.instance)/\(name.key)" }
}

extension ReadTransaction {
    /// A key's version, or its current one.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func keyVersion(_ name: KeyName, _ version: String?, in vault: VaultRecord) throws -> KeyVersionRecord {
        guard let key = try value(KeyRecord.self, KeyRecord.path(name, in: vault), in: KeyRecord.collection)?.value else {
            throw APIError.keyNotFound(name.text, version)
        }
        let wanted = version ?? key.current
        guard let id = KeyVersionID(wanted),
            let record = try value(
                KeyVersionRecord.self, KeyVersionRecord.path(id, of: name, in: vault), in: KeyVersionRecord.collection)?.value
        else { throw APIError.keyNotFound(name.text, version) }
        return record
    }

    /// The key itself.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func key(_ name: KeyName, in vault: VaultRecord) throws -> KeyRecord {
        guard let key = try value(KeyRecord.self, KeyRecord.path(name, in: vault), in: KeyRecord.collection)?.value else {
            throw APIError.keyNotFound(name.text, nil)
        }
        return key
    }
}
