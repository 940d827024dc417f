import CofferCore
import CofferModel
import CofferPlatform

/// A disk encryption set as it is stored, under ``ResourceID/key``.
struct EncryptionSetRecord: Codable, Equatable, Sendable {
    static let collection = "disk-encryption-sets"

    let id: ResourceID
    let location: String
    var tags: [String: String]
    let type: EncryptionSetType
    /// The one that it acts as.
    var identity: AssignedIdentity
    /// Assigned as well: the first takes over when the acting one is taken away.
    var standby: [AssignedIdentity]?
    var activeKey: SetKey
    /// Versions that disks of the set may still be wrapped by; empty when no rotation is in flight.
    var previousKeys: [SetKey] = []
    var rotatesAutomatically: Bool
    var lastRotation: Timestamp?
    /// Why the rotation in flight has not come to its end yet.
    var rotationError: RotationError?
    /// No disk may begin to use it any more.
    var isBeingDeleted = false

    /// All that are assigned.
    var identities: [AssignedIdentity] { [identity] + (standby ?? []) }

    /// The set's own key and those on their way out.
    var keys: [SetKey] { [activeKey] + previousKeys }

    /// Begins a rotation to `key`, unless it is the active one.
    mutating func move(to key: SetKey) {
        if key.url != activeKey.url {
            previousKeys = [activeKey] + previousKeys.filter { $0.url != activeKey.url && $0.url != key.url }
            rotationError = nil
        }
        activeKey = key
    }
}

/// A version of a key that a set uses or used.
struct SetKey: Equatable, Sendable {
    /// With a version.
    let url: KeyURL
    let vault: ResourceID
    /// Whether `sourceVault` was given, so that it is shown.
    let namesVault: Bool

    func with(_ url: KeyURL) -> SetKey { SetKey(url: url, vault: vault, namesVault: namesVault) }
}

extension SetKey: Codable {
    private enum CodingKeys: CodingKey {
        case url
        case vault
        case namesVault
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let url = KeyURL(try container.decode(String.self, forKey: .url)) else {
            throw DecodingError.dataCorruptedError(forKey: .url, in: container, debugDescription: "not a key's URL")
        }
        self.init(
            url: url, vault: try container.decode(ResourceID.self, forKey: .vault),
            namesVault: try container.decode(Bool.self, forKey: .namesVault))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(url.text, forKey: .url)
        try container.encode(vault, forKey: .vault)
        try container.encode(namesVault, forKey: .namesVault)
    }
}

/// A rotation's last failure, `autoKeyRotationError`.
struct RotationError: Codable, Equatable, Sendable {
    let code: String
    let message: String

    init(_ error: APIError) {
        code = error.code
        message = error.message
    }
}

extension ReadTransaction {
    func encryptionSet(_ id: ResourceID) throws -> EncryptionSetRecord? {
        try value(EncryptionSetRecord.self, id.key, in: EncryptionSetRecord.collection)?.value
    }
}

extension WriteTransaction {
    func put(_ set: EncryptionSetRecord) throws {
        try put(set, set.id.key, in: EncryptionSetRecord.collection)
    }
}
