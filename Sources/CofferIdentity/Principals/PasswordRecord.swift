import CofferCore
import CofferCrypto
import CofferPlatform

/// A person's password as it is stored: what recognizes it, by a hash that is slow to guess against and sealed besides. One document for
/// each person, by object id.
struct PasswordRecord: Codable, Equatable, Sendable {
    static let collection = "user-passwords"
    /// The realm in which hashes are sealed, each under the record's ``id``.
    static let realm = "passwords"
    static let saltCount = 16
    static let hashCount = 32

    /// Different for each password that was ever set; tokens that prolong a sign-in name it, and end with it.
    let id: String
    /// base64url, 16 bytes.
    let salt: String
    /// Sealed, base64url.
    let sealedHash: String
    let cost: Scrypt.Cost
    /// Whether the person must be given another one before it is good for anything.
    let mustChange: Bool
}

/// A password, or its hash; a class, so that a thread of its own can take and give it.
final class PasswordText: Sendable {
    let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) {
        self.bytes = bytes
    }
}

extension ReadTransaction {
    func password(of user: UserRecord) throws -> PasswordRecord? {
        try value(PasswordRecord.self, user.objectID, in: PasswordRecord.collection)?.value
    }
}
