import CofferCore
import CofferModel
import CofferPlatform

/// A key in the token that no stored version names: one that is being made, or one whose version was purged. The document is written
/// before the key is made and in the transaction that removes its version, so that no crash leaves a key in the token that nobody
/// knows of. Its id is the key's.
struct UnusedTokenKey: Codable, Equatable, Sendable {
    static let collection = "unused-token-keys"

    /// `CKA_ID`, 32 hexadecimal digits.
    let id: String
    /// When it is destroyed, unless a version names it before.
    let due: Timestamp
}

extension WriteTransaction {
    /// Takes a key that was made into use.
    ///
    /// - Throws: ``APIError/tokenKeyTookTooLong`` if its time is over, for then it may be destroyed at any moment.
    func keepTokenKey(_ id: TokenKeyID, at now: Timestamp) throws {
        let found = try value(UnusedTokenKey.self, id.hex, in: UnusedTokenKey.collection)?.value
        guard let found, now < found.due else { throw APIError.tokenKeyTookTooLong }
        try remove(id.hex, in: UnusedTokenKey.collection, if: .any)
    }

    /// Gives up the key in the token that a version's document names, if it names one.
    func releaseTokenKey(of version: Document) throws {
        guard let version = try? JSON.decode(KeyVersionRecord.self, from: version.body), let id = version.tokenKey else { return }
        try put(UnusedTokenKey(id: id, due: Timestamp(seconds: 0)), id, in: UnusedTokenKey.collection)
    }
}
