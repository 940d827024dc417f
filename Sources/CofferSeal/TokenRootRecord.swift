import CofferCore
import CofferCrypto
import CofferPlatform

/// What the file of a ``TokenRootKey`` holds, as JSON.
struct TokenRootRecord: Codable {
    /// The fields of a file that was well formed.
    struct Parts {
        let id: TokenKeyID
        let nonce: [UInt8]
        /// Ciphertext and tag.
        let wrapped: [UInt8]
    }

    /// The version of this record's form.
    let version: Int
    /// `CKA_ID` of the token's key, 32 hexadecimal digits.
    let id: String
    /// Base64url.
    let nonce: String
    /// Ciphertext and tag, base64url.
    let key: String

    init(id: TokenKeyID, nonce: [UInt8], wrapped: borrowing SecretBytes) {
        version = 1
        self.id = id.hex
        self.nonce = Base64URL.encode(nonce)
        key = wrapped.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Base64URL.encode(Array($0)) } }
    }

    /// Nil if the record is of another version or damaged.
    var parts: Parts? {
        guard version == 1, let id = TokenKeyID(hex: id), let nonce = Base64URL.decode(nonce), nonce.count == AESGCM.nonceLength,
            let wrapped = Base64URL.decode(key), wrapped.count == FileRootKey.count + AESGCM.tagLength
        else { return nil }
        return Parts(id: id, nonce: nonce, wrapped: wrapped)
    }
}
