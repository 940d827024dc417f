/// One layer of encryption of a disk: which key wraps its data key, and the wrapped data key itself.
///
/// Layer 0 is the one next to the guest; with platform and customer keys layer 0 is under the customer's key and layer 1,
/// next to the file, under the platform's.
package struct DiskLayer: Codable, Equatable, Sendable {
    /// The cipher of the data: always `aes-256-xts` with 4096-byte sectors and the sector index as the tweak.
    package static let cipher = "aes-256-xts"

    /// The versioned id of the wrapping key: a Key Vault key id (`https://…/keys/name/version`) or `platform:<version>`.
    package let keyID: String
    /// How the data key is wrapped: `RSA-OAEP-256` under a customer's key, `A256KW` under a platform key.
    package let algorithm: String
    /// The wrapped data key, at most 1024 bytes.
    package let wrappedKey: [UInt8]

    package init(keyID: String, algorithm: String, wrappedKey: [UInt8]) {
        self.keyID = keyID
        self.algorithm = algorithm
        self.wrappedKey = wrappedKey
    }
}
