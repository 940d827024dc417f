import COpenSSL
package import CofferCore
import Synchronization

/// A key on an elliptic curve (SEC 1): a pair, or a public key alone.
///
/// Any number of threads may use one key at a time.
@safe
package final class ECKey {
    /// The curve.
    package let curve: EllipticCurve
    /// The public point's first coordinate, big-endian, of the curve's ``EllipticCurve/coordinateLength``.
    package let x: [UInt8]
    /// The second coordinate, of the same length.
    package let y: [UInt8]
    /// Whether the private half is here.
    package let isPrivate: Bool

    let key: OpaquePointer
    /// Contexts that are ready to sign: to make one costs a quarter of what a signature on P-256 does.
    private let signers = Mutex<[Signer]>([])
    /// So many are kept.
    private static let mostSigners = 16
    /// Nil until it is asked for.
    private let batchKey = Mutex<ECDSABatch.Key??>(nil)

    /// A context that signs with the key, any number of times, in one place at a time.
    final class Signer: Sendable {
        let context: Owned

        init(_ context: consuming Owned) { self.context = context }
    }

    /// Makes a new pair.
    package static func generate(on curve: EllipticCurve) throws(CryptoError) -> ECKey {
        let context = unsafe try Owned(EVP_PKEY_CTX_new_from_name(nil, "EC", nil), freedBy: EVP_PKEY_CTX_free)
        try CryptoError.check(unsafe EVP_PKEY_keygen_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_group_name(context.pointer, curve.group))
        var key: OpaquePointer?
        try CryptoError.check(unsafe EVP_PKEY_generate(context.pointer, &key))
        return unsafe try ECKey(owning: key, isPrivate: true)
    }

    /// Reads a pair.
    ///
    /// Whether point and scalar belong together is not looked at; see ``checkConsistency()``.
    ///
    /// - Parameter pkcs8: DER of a `PrivateKeyInfo` (RFC 5958 section 2), unencrypted, and nothing after it.
    /// - Throws: ``CryptoError/invalidKey`` if it is malformed, or on no curve of ``EllipticCurve`` by name.
    package convenience init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
        unsafe try self.init(owning: PKCS8.decode(pkcs8), isPrivate: true)
    }

    /// A public key from its coordinates.
    ///
    /// - Parameters:
    ///   - x: Big-endian. Zeros before it may be missing or too many, as some writers of JSON Web Keys have it.
    ///   - y: Likewise.
    /// - Throws: ``CryptoError/invalidKey`` if this is no point of the curve.
    package convenience init(curve: EllipticCurve, x: [UInt8], y: [UInt8]) throws(CryptoError) {
        let point = try Self.point(curve, x, y)
        unsafe try self.init(owning: coffer_ec_key(curve.group, point, point.count, nil, 0), isPrivate: false)
    }

    /// A pair from its three numbers, as JSON Web Keys carry them (RFC 7518 section 6.2).
    ///
    /// - Parameters:
    ///   - x: Big-endian, as for a public key.
    ///   - y: Likewise.
    ///   - scalar: The private number d, big-endian.
    /// - Throws: ``CryptoError/invalidKey`` if the numbers do not belong together.
    package convenience init(
        curve: EllipticCurve, x: [UInt8], y: [UInt8], scalar: borrowing SecretBytes
    ) throws(CryptoError) {
        let point = try Self.point(curve, x, y)
        // A byte more than a scalar has, for writers that put a zero before it.
        guard (1...curve.coordinateLength + 1).contains(scalar.count) else { throw .invalidKey }
        let key = unsafe scalar.withBytes { scalar in
            unsafe scalar.withUnsafeBytes { scalar in
                unsafe coffer_ec_key(
                    curve.group, point, point.count, scalar.assumingMemoryBound(to: UInt8.self).baseAddress,
                    Int32(scalar.count))
            }
        }
        unsafe try self.init(owning: key, isPrivate: true)
        try checkConsistency()
    }

    /// Takes ownership of `key`, also where it throws.
    init(owning key: OpaquePointer?, isPrivate: Bool) throws(CryptoError) {
        guard let key = unsafe key else { throw .hiding(as: .invalidKey) }
        unsafe self.key = key
        self.isPrivate = isPrivate
        guard let curve = unsafe Self.curve(of: key) else {
            self.curve = .p256
            x = []
            y = []
            throw .hiding(as: .invalidKey)
        }
        self.curve = curve
        x = unsafe Self.padded(PublicNumber.read(OSSL_PKEY_PARAM_EC_PUB_X, of: key), curve) ?? []
        y = unsafe Self.padded(PublicNumber.read(OSSL_PKEY_PARAM_EC_PUB_Y, of: key), curve) ?? []
        guard !x.isEmpty, !y.isEmpty else { throw .hiding(as: .invalidKey) }
    }

    /// The pair as DER of a `PrivateKeyInfo` (RFC 5958 section 2).
    ///
    /// - Throws: ``CryptoError/invalidKey`` if the private half is not here.
    package func pkcs8() throws(CryptoError) -> SecretBytes {
        guard isPrivate else { throw .invalidKey }
        return unsafe try PKCS8.encode(key)
    }

    /// The private number, big-endian and as long as a coordinate.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if the private half is not here.
    package func scalar() throws(CryptoError) -> SecretBytes {
        guard isPrivate else { throw .invalidKey }
        return unsafe try SecretNumber.read("priv", of: key, length: curve.coordinateLength)
    }

    /// Proves that the point is on the curve and the scalar's own.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if it is not, or the private half is not here.
    package func checkConsistency() throws(CryptoError) {
        guard isPrivate else { throw .invalidKey }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_check(context.pointer), or: .invalidKey)
    }

    /// The key for use in batches, made when it is first asked for; nil where it cannot be used so.
    var preparedForBatches: ECDSABatch.Key? {
        batchKey.withLock { prepared in
            if let prepared { return prepared }
            let made = ECDSABatch.Key(self)
            prepared = .some(made)
            return made
        }
    }

    /// A context of one operation with this key.
    func operation() throws(CryptoError) -> Owned {
        unsafe try Owned(EVP_PKEY_CTX_new_from_pkey(nil, key, nil), freedBy: EVP_PKEY_CTX_free)
    }

    /// Runs `body` with a context that is ready to sign.
    func withSigner<R>(_ body: (borrowing Owned) throws(CryptoError) -> R) throws(CryptoError) -> R {
        let signer: Signer
        if let idle = signers.withLock({ $0.popLast() }) {
            signer = idle
        } else {
            let context = try operation()
            try CryptoError.check(unsafe EVP_PKEY_sign_init(context.pointer))
            signer = Signer(context)
        }
        // After an error it is not used again.
        let result = try body(signer.context)
        signers.withLock { if $0.count < Self.mostSigners { $0.append(signer) } }
        return result
    }

    /// The curve that `key` names. A curve that is spelled out by its parameters is refused, even a known one: who may
    /// choose parameters may choose a generator that makes any signature hold (CVE-2020-0601).
    private static func curve(of key: OpaquePointer) -> EllipticCurve? {
        guard unsafe EVP_PKEY_is_a(key, "EC") == 1 else { return nil }
        var isExplicit: Int32 = 0
        _ = unsafe EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &isExplicit)
        guard isExplicit == 0 else { return nil }
        var name = [UInt8](repeating: 0, count: 64)
        var length = 0
        let status = unsafe name.withUnsafeMutableBytes { name in
            unsafe EVP_PKEY_get_group_name(key, name.assumingMemoryBound(to: CChar.self).baseAddress, name.count, &length)
        }
        guard status == 1, name.indices.contains(length) else { return nil }
        return EllipticCurve(group: String(decoding: name[..<length], as: UTF8.self))
    }

    /// The uncompressed form of a point (SEC 1 section 2.3.3).
    private static func point(_ curve: EllipticCurve, _ x: [UInt8], _ y: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard let x = padded(x, curve), let y = padded(y, curve) else { throw .invalidKey }
        return [4] + x + y
    }

    private static func padded(_ number: [UInt8], _ curve: EllipticCurve) -> [UInt8]? {
        let digits = number.drop { $0 == 0 }
        let zeros = curve.coordinateLength - digits.count
        guard !number.isEmpty, zeros >= 0 else { return nil }
        return [UInt8](repeating: 0, count: zeros) + digits
    }

    deinit {
        // Wipes the private number.
        unsafe EVP_PKEY_free(key)
    }
}

// SAFETY: the key is never changed after `init`, OpenSSL guards what it caches in a key by locks of its own, and each
// operation has its own context.
extension ECKey: @unchecked Sendable {}
