import COpenSSL
package import CofferCore
import Synchronization

/// An RSA key (RFC 8017): a pair, or a public key alone. Moduli have 2048 to 16384 bits.
///
/// Any number of threads may use one key at a time. What an operation needs besides the key it makes for itself, and
/// private operations are blinded against timing.
@safe
package final class RSAKey {
    /// Length of the modulus in bits.
    package let bits: Int
    /// The modulus, big-endian without leading zeros.
    package let modulus: [UInt8]
    /// The public exponent, big-endian without leading zeros.
    package let exponent: [UInt8]
    /// Whether the private half is here.
    package let isPrivate: Bool

    let key: OpaquePointer
    /// Nil until it is asked for.
    private let batchKey = Mutex<RSABatch.Key??>(nil)

    /// Makes a new pair. Takes from a tenth of a second to some seconds of a processor.
    ///
    /// - Parameters:
    ///   - bits: 2048, 3072, 4096, or another multiple of 256 up to 8192.
    ///   - exponent: Odd, from 3 on. A small one is safe with the paddings of ``RSAEncryption`` and ``RSASignature``.
    /// - Throws: ``CryptoError/unsupported`` for other sizes and exponents.
    package static func generate(bits: Int, exponent: UInt32 = 65537) throws(CryptoError) -> RSAKey {
        guard (2048...8192).contains(bits), bits % 256 == 0 else { throw .unsupported }
        guard exponent >= 3, exponent & 1 == 1 else { throw .unsupported }
        let context = unsafe try Owned(EVP_PKEY_CTX_new_from_name(nil, "RSA", nil), freedBy: EVP_PKEY_CTX_free)
        try CryptoError.check(unsafe EVP_PKEY_keygen_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context.pointer, Int32(bits)))
        let number = unsafe try Owned(BN_new(), freedBy: BN_free)
        try CryptoError.check(unsafe BN_set_word(number.pointer, UInt(exponent)))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context.pointer, number.pointer))
        var key: OpaquePointer?
        try CryptoError.check(unsafe EVP_PKEY_generate(context.pointer, &key))
        return unsafe try RSAKey(owning: key, isPrivate: true)
    }

    /// Reads a pair.
    ///
    /// Whether its numbers belong together is not looked at, for that takes long; see ``checkConsistency()``.
    ///
    /// - Parameter pkcs8: DER of a `PrivateKeyInfo` (RFC 5958 section 2), unencrypted, and nothing after it.
    /// - Throws: ``CryptoError/invalidKey`` if it is malformed, not RSA, or too small.
    package convenience init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
        unsafe try self.init(owning: PKCS8.decode(pkcs8), isPrivate: true)
    }

    /// A public key from its two numbers.
    ///
    /// - Parameters:
    ///   - modulus: Big-endian; leading zeros are ignored.
    ///   - exponent: Big-endian, odd, 3 to 2^64.
    /// - Throws: ``CryptoError/invalidKey`` if these are no RSA key, or one of less than 2048 bits.
    package convenience init(publicModulus modulus: [UInt8], exponent: [UInt8]) throws(CryptoError) {
        let numbers = try RSANumbers()
        try numbers.add("n", modulus)
        try numbers.add("e", exponent)
        unsafe try self.init(owning: numbers.publicKey(), isPrivate: false)
    }

    /// A pair from its eight numbers, as JSON Web Keys carry them (RFC 7518 section 6.3). All are big-endian.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if a number is missing or the numbers do not belong together.
    package convenience init(
        modulus: [UInt8], exponent: [UInt8], components: borrowing RSAComponents
    ) throws(CryptoError) {
        let numbers = try RSANumbers()
        try numbers.add("n", modulus)
        try numbers.add("e", exponent)
        try numbers.add("d", components.privateExponent)
        try numbers.add("rsa-factor1", components.firstPrime)
        try numbers.add("rsa-factor2", components.secondPrime)
        try numbers.add("rsa-exponent1", components.firstExponent)
        try numbers.add("rsa-exponent2", components.secondExponent)
        try numbers.add("rsa-coefficient1", components.coefficient)
        unsafe try self.init(owning: numbers.pair(), isPrivate: true)
        try checkConsistency()
    }

    /// Takes ownership of `key`, also where it throws.
    init(owning key: OpaquePointer?, isPrivate: Bool) throws(CryptoError) {
        guard let key = unsafe key else { throw .hiding(as: .invalidKey) }
        unsafe self.key = key
        self.isPrivate = isPrivate
        guard unsafe EVP_PKEY_is_a(key, "RSA") == 1 else {
            bits = 0
            modulus = []
            exponent = []
            throw .hiding(as: .invalidKey)
        }
        bits = unsafe Int(EVP_PKEY_get_bits(key))
        modulus = unsafe PublicNumber.read("n", of: key)
        exponent = unsafe PublicNumber.read("e", of: key)
        guard (2048...16384).contains(bits), modulus.last.map({ $0 & 1 == 1 }) == true,
            exponent.count <= 8, exponent.last.map({ $0 & 1 == 1 }) == true, exponent != [1]
        else { throw .hiding(as: .invalidKey) }
    }

    /// The pair as DER of a `PrivateKeyInfo` (RFC 5958 section 2).
    ///
    /// - Throws: ``CryptoError/invalidKey`` if the private half is not here.
    package func pkcs8() throws(CryptoError) -> SecretBytes {
        guard isPrivate else { throw .invalidKey }
        return unsafe try PKCS8.encode(key)
    }

    /// Proves that the numbers of a pair belong together and that its factors are prime. Takes up to half a second; do
    /// it once, when a key comes from outside.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if they do not, or the private half is not here.
    package func checkConsistency() throws(CryptoError) {
        guard isPrivate else { throw .invalidKey }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_check(context.pointer), or: .invalidKey)
    }

    /// The key for use in batches, made when it is first asked for; nil where it cannot be used so.
    var preparedForBatches: RSABatch.Key? {
        batchKey.withLock { prepared in
            if let prepared { return prepared }
            let made = RSABatch.Key(self)
            prepared = .some(made)
            return made
        }
    }

    /// A context of one operation with this key.
    func operation() throws(CryptoError) -> Owned {
        unsafe try Owned(EVP_PKEY_CTX_new_from_pkey(nil, key, nil), freedBy: EVP_PKEY_CTX_free)
    }

    deinit {
        // Wipes the private numbers.
        unsafe EVP_PKEY_free(key)
    }
}

// SAFETY: the key is never changed after `init`. OpenSSL guards what it caches in a key (blinding, Montgomery forms)
// by locks of its own, and each operation has its own context.
extension RSAKey: @unchecked Sendable {}
