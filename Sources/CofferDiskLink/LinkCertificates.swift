import CofferCore
package import CofferCrypto
package import CofferNBDWire

/// A host's certificate for its storage service, in a directory as `coffer disk certificate` writes it: `ca-cert.pem`, the authority of the
/// service's certificate; `client-cert.pem`; and `client-key.pem`, mode 0600. They are read for each connection, so that a renewed
/// certificate needs no new start.
package struct LinkCertificates: Equatable, Sendable {
    package let directory: String

    /// The longest file, in bytes.
    private static let fileByteCount = 1 << 20

    package init(directory: String) { self.directory = directory }

    /// - Throws: ``NBDFailure/connection(_:)`` that says which file cannot be used.
    package func context() throws(NBDFailure) -> TLSContext {
        do {
            let key = try PrivateFile(path: "\(directory)/client-key.pem").read(atMost: Self.fileByteCount)
            return try TLSContext(.client, chain: text("client-cert.pem"), privateKey: key, authorities: text("ca-cert.pem"))
        } catch is CryptoError {
            throw .connection("\(directory): ca-cert.pem, client-cert.pem and client-key.pem are not an authority, a certificate and its key in PEM")
        } catch {
            throw .connection("\(error)")
        }
    }

    private func text(_ name: String) throws(TextFileError) -> String {
        try TextFile(path: "\(directory)/\(name)").read(atMost: Self.fileByteCount)
    }
}
