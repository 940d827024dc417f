import CofferCore
import CofferCrypto
import CofferPlatform

/// A person's password as it is stored: what recognizes it, by a hash that is slow to guess against. One document for each person, by
/// object id.
struct PasswordRecord: Codable, Equatable, Sendable {
    static let collection = "user-passwords"

    /// Different for each password that was ever set; tokens that prolong a sign-in name it, and end with it.
    let id: String
    /// base64url, 16 bytes.
    let salt: String
    /// base64url, 32 bytes.
    let hash: String
    let cost: Scrypt.Cost
    /// Whether the person must be given another one before it is good for anything.
    let mustChange: Bool

    private static let saltCount = 16
    private static let hashCount = 32

    init(of password: borrowing SecretBytes, mustChange: Bool, cost: Scrypt.Cost = .standard) throws {
        let salt = SecureRandom.bytes(Self.saltCount)
        id = GUID.make()
        self.salt = Base64URL.encode(salt)
        self.cost = cost
        self.mustChange = mustChange
        hash = try Scrypt.deriveKey(from: password, salt: salt, cost: cost, count: Self.hashCount).withBytes { bytes in
            unsafe bytes.withUnsafeBytes { Base64URL.encode(unsafe Array($0)) }
        }
    }

    /// Whether `password` is the one; takes the same time whatever it is.
    func matches(_ password: borrowing SecretBytes) throws -> Bool {
        guard let salt = Base64URL.decode(salt), var stored = Base64URL.decode(hash) else {
            throw StoreError.corrupt("\(Self.collection): password \(id)")
        }
        let expected = SecretBytes(wiping: &stored)
        return try Scrypt.deriveKey(from: password, salt: salt, cost: cost, count: Self.hashCount).constantTimeEquals(expected)
    }
}

/// Text of a person's that is compared with what is stored; a class, so that a thread of its own can take it.
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
