/// Signs for the installation: the heads of the audit log's chains. Answered by CofferSeal.
package protocol HeadSigner: Sendable {
    /// The signature (Ed25519, RFC 8032) of `message` by the installation's key.
    func sign(_ message: [UInt8]) async throws -> HeadSignature
}

/// A signature, and which key made it.
package struct HeadSignature: Equatable, Sendable {
    /// The thumbprint of the public key (RFC 7638 and RFC 8037), in base64url.
    package let keyID: String
    /// 64 bytes.
    package let bytes: [UInt8]

    package init(keyID: String, bytes: [UInt8]) {
        self.keyID = keyID
        self.bytes = bytes
    }
}
