import COpenSSL
import CofferCore

/// Collects the numbers of an RSA key, by OpenSSL's names for them (EVP_PKEY-RSA(7)), and makes the key of them.
@safe
struct RSANumbers: ~Copyable {
    /// Bytes of the longest modulus, and a few zeros before it.
    private static let limit = 2048 + 8

    private let numbers: UnsafeMutablePointer<coffer_rsa_numbers>

    init() throws(CryptoError) {
        guard let numbers = unsafe coffer_rsa_numbers_new() else { throw .fromOpenSSL() }
        unsafe self.numbers = numbers
    }

    /// Adds a number that all may know.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if it is 0 or absurdly long.
    borrowing func add(_ name: StaticString, _ bytes: [UInt8]) throws(CryptoError) {
        unsafe try add(name, bytes.span.bytes)
    }

    /// Adds a number of the private half; throws as for the others.
    borrowing func add(_ name: StaticString, _ secret: borrowing SecretBytes) throws(CryptoError) {
        try secret.withBytes { (bytes: RawSpan) throws(CryptoError) in try add(name, bytes) }
    }

    private borrowing func add(_ name: StaticString, _ bytes: RawSpan) throws(CryptoError) {
        guard (1...Self.limit).contains(bytes.byteCount) else { throw .invalidKey }
        // The name is static because the builder keeps its address.
        let status = unsafe bytes.withUnsafeBytes { bytes in
            unsafe coffer_rsa_numbers_add(
                numbers, name.utf8Start, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, Int32(bytes.count))
        }
        try CryptoError.check(status, or: .invalidKey)
    }

    /// A public key for the caller to own, or nil if the numbers make none.
    borrowing func publicKey() -> OpaquePointer? {
        unsafe coffer_rsa_numbers_key(numbers, 0)
    }

    /// A pair for the caller to own, or nil if the numbers make none.
    borrowing func pair() -> OpaquePointer? {
        unsafe coffer_rsa_numbers_key(numbers, 1)
    }

    deinit {
        unsafe coffer_rsa_numbers_free(numbers)
    }
}
