import COpenSSL
import CofferCore

/// Certificates and private keys as text (RFC 7468).
enum PEM {
    static func encode(certificate: borrowing Owned) throws(CryptoError) -> String {
        // Memory of a BIO is wiped when it is freed.
        let memory = unsafe try Owned(BIO_new(BIO_s_mem()), freedBy: BIO_free_all)
        try CryptoError.check(unsafe PEM_write_bio_X509(memory.pointer, certificate.pointer))
        var bytes: UnsafePointer<UInt8>?
        let count = unsafe coffer_bio_bytes(memory.pointer, &bytes)
        return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    static func encode(publicKey: borrowing Owned) throws(CryptoError) -> String {
        let memory = unsafe try Owned(BIO_new(BIO_s_mem()), freedBy: BIO_free_all)
        try CryptoError.check(unsafe PEM_write_bio_PUBKEY(memory.pointer, publicKey.pointer))
        var bytes: UnsafePointer<UInt8>?
        let count = unsafe coffer_bio_bytes(memory.pointer, &bytes)
        return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The key as an unencrypted `PRIVATE KEY`.
    static func encode(privateKey: PrivateKey) throws(CryptoError) -> SecretBytes {
        let memory = unsafe try Owned(BIO_new(BIO_s_mem()), freedBy: BIO_free_all)
        try CryptoError.check(
            unsafe PEM_write_bio_PKCS8PrivateKey(memory.pointer, privateKey.key, nil, nil, 0, nil, nil))
        var bytes: UnsafePointer<UInt8>?
        let count = unsafe coffer_bio_bytes(memory.pointer, &bytes)
        guard let start = unsafe bytes else { throw .fromOpenSSL() }
        return unsafe SecretBytes(copying: RawSpan(_unsafeStart: UnsafeRawPointer(start), byteCount: count))
    }

    /// The first certificate of `text`.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none.
    static func certificate(_ text: String) throws(CryptoError) -> Owned {
        let bytes = Array(text.utf8)
        guard let count = Int32(exactly: bytes.count) else { throw .invalidLength }
        let pointer = unsafe bytes.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, count) else { return nil }
            defer { unsafe BIO_free_all(memory) }
            return unsafe PEM_read_bio_X509(memory, nil, nil, nil)
        }
        return unsafe try Owned(pointer, freedBy: X509_free, or: .invalidKey)
    }

    /// The encodings of all certificates of `text`, in their order.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none, or one is malformed.
    static func certificates(_ text: String) throws(CryptoError) -> [[UInt8]] {
        let end = "-----END CERTIFICATE-----"
        let parts = text.split(separator: end, omittingEmptySubsequences: false).dropLast()
        guard !parts.isEmpty else { throw .invalidKey }
        var found: [[UInt8]] = []
        for part in parts {
            let certificate = try certificate(part + end + "\n")
            found.append(unsafe try DER.encode { unsafe i2d_X509(certificate.pointer, $0) })
        }
        return found
    }

    /// The first public key of `text`.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none.
    static func publicKey(_ text: String) throws(CryptoError) -> Owned {
        let bytes = Array(text.utf8)
        guard let count = Int32(exactly: bytes.count) else { throw .invalidLength }
        let pointer = unsafe bytes.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, count) else { return nil }
            defer { unsafe BIO_free_all(memory) }
            return unsafe PEM_read_bio_PUBKEY(memory, nil, nil, nil)
        }
        return unsafe try Owned(pointer, freedBy: EVP_PKEY_free, or: .invalidKey)
    }

    /// The first private key of `text`, which must not be encrypted.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none, or one of a kind that Coffer does not use.
    static func privateKey(_ text: borrowing SecretBytes) throws(CryptoError) -> PrivateKey {
        guard let count = Int32(exactly: text.count) else { throw .invalidLength }
        let pointer = unsafe text.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes -> OpaquePointer? in
                guard let memory = unsafe BIO_new_mem_buf(bytes.baseAddress, count) else { return nil }
                defer { unsafe BIO_free_all(memory) }
                // Without this callback OpenSSL would ask for a passphrase on the terminal.
                return unsafe PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in -1 }, nil)
            }
        }
        return unsafe try PrivateKey(owning: pointer)
    }
}
