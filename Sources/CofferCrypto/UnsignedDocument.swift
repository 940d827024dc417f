import COpenSSL

/// A certificate or a request whose signature is made elsewhere: by a token that gives no key away.
package struct UnsignedDocument: Sendable {
    /// The name of the algorithm (RFC 7518 section 3.1, RFC 8812), such as `RS256`: RSA with SHA-256, or ECDSA with the digest that
    /// belongs to the curve.
    package let algorithm: String
    /// Of what is signed.
    package let digest: [UInt8]

    /// What is signed, in DER.
    private let content: [UInt8]
    private let algorithmIdentifier: [UInt8]
    private let isEC: Bool

    /// A certificate with everything but its signature.
    init(certificate: borrowing Owned, key: PrivateKey) throws(CryptoError) {
        // The content of a certificate names the algorithm too, and OpenSSL lets only its own signing set it there.
        guard let inner = unsafe X509_get0_tbs_sigalg(certificate.pointer) else { throw .fromOpenSSL() }
        unsafe try Self.name(key, in: UnsafeMutablePointer(mutating: inner))
        try self.init(content: unsafe DER.encode { unsafe i2d_re_X509_tbs(certificate.pointer, $0) }, key: key)
    }

    /// A request with everything but its signature.
    init(request: borrowing Owned, key: PrivateKey) throws(CryptoError) {
        try self.init(content: unsafe DER.encode { unsafe i2d_re_X509_REQ_tbs(request.pointer, $0) }, key: key)
    }

    private init(content: [UInt8], key: PrivateKey) throws(CryptoError) {
        guard let identifier = unsafe X509_ALGOR_new() else { throw .fromOpenSSL() }
        defer { unsafe X509_ALGOR_free(identifier) }
        unsafe try Self.name(key, in: identifier)
        algorithmIdentifier = unsafe try DER.encode { unsafe i2d_X509_ALGOR(identifier, $0) }
        self.content = content
        switch key {
        case .rsa:
            (algorithm, isEC) = (RSASignature.rs256.rawValue, false)
            digest = DigestAlgorithm.sha256.hash(content)
        case .ec(let key):
            guard let scheme = ECSignature.allCases.first(where: { $0.curve == key.curve }) else { throw .unsupported }
            (algorithm, isEC) = (scheme.rawValue, true)
            digest = scheme.digest.hash(content)
        }
    }

    /// The signed whole in DER.
    ///
    /// - Parameter signature: As ``algorithm`` makes it: of ECDSA r and s, one after the other and of one length.
    /// - Throws: ``CryptoError/invalidLength`` for a signature that is none.
    package func signed(_ signature: [UInt8]) throws(CryptoError) -> [UInt8] {
        var value = signature
        if isEC {
            guard !signature.isEmpty, signature.count.isMultiple(of: 2) else { throw .invalidLength }
            let middle = signature.count / 2
            value = DER.sequence(DER.integer(signature[..<middle]) + DER.integer(signature[middle...]))
        }
        guard !value.isEmpty else { throw .invalidLength }
        return DER.sequence(content + algorithmIdentifier + DER.bitString(value))
    }

    /// Writes down by which algorithm `key` signs (RFC 4055 section 5, RFC 5758 section 3.2).
    private static func name(_ key: PrivateKey, in identifier: UnsafeMutablePointer<X509_ALGOR>) throws(CryptoError) {
        let (number, parameters) =
            switch key {
            case .rsa: (NID_sha256WithRSAEncryption, V_ASN1_NULL)
            case .ec(let key):
                switch key.curve {
                case .p256, .p256K: (NID_ecdsa_with_SHA256, V_ASN1_UNDEF)
                case .p384: (NID_ecdsa_with_SHA384, V_ASN1_UNDEF)
                case .p521: (NID_ecdsa_with_SHA512, V_ASN1_UNDEF)
                }
            }
        try CryptoError.check(unsafe X509_ALGOR_set0(identifier, OBJ_nid2obj(number), parameters, nil))
    }
}

extension DER {
    static func sequence(_ content: [UInt8]) -> [UInt8] { value(tag: 0x30, content) }

    /// A positive number, big-endian.
    static func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var bytes = Array(bytes.drop { $0 == 0 })
        if bytes.first.map({ $0 >= 0x80 }) ?? true { bytes.insert(0, at: 0) }
        return value(tag: 0x02, bytes)
    }

    /// Whole bytes.
    static func bitString(_ bytes: [UInt8]) -> [UInt8] { value(tag: 0x03, [0] + bytes) }

    private static func value(tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        guard content.count >= 0x80 else { return [tag, UInt8(content.count)] + content }
        var length: [UInt8] = []
        var rest = content.count
        while rest > 0 {
            length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(length.count)] + length + content
    }
}
