import COpenSSL
import CofferCore

/// A certificate (RFC 5280 section 4.1) until it is signed.
struct CertificateDraft: ~Copyable {
    let certificate: Owned

    /// A version 3 certificate of `key`'s public half with a random serial number, without validity, issuer or extensions.
    init(subject: String, key: PrivateKey) throws(CryptoError) {
        let certificate = unsafe try Owned(X509_new(), freedBy: X509_free)
        try CryptoError.check(unsafe X509_set_version(certificate.pointer, 2))
        try CryptoError.check(unsafe X509_set_pubkey(certificate.pointer, key.key))
        try Self.number(certificate)
        guard (1...64).contains(subject.unicodeScalars.count), !subject.utf8.contains(0) else { throw .invalidLength }
        let name = unsafe X509_get_subject_name(certificate.pointer)
        try CryptoError.check(
            unsafe X509_NAME_add_entry_by_NID(
                name, NID_commonName, MBSTRING_UTF8, Array(subject.utf8), Int32(subject.utf8.count), -1, 0))
        self.certificate = certificate
    }

    /// 19 random bytes before which a 1 stands: positive, and at most 20 bytes long (RFC 5280 section 4.1.2.2).
    private static func number(_ certificate: borrowing Owned) throws(CryptoError) {
        let bytes = [1] + SecureRandom.bytes(19)
        let number = unsafe try Owned(BN_bin2bn(bytes, Int32(bytes.count), nil), freedBy: BN_free)
        let serial = unsafe X509_get_serialNumber(certificate.pointer)
        guard unsafe BN_to_ASN1_INTEGER(number.pointer, serial) != nil else { throw .fromOpenSSL() }
    }

    func limit(from start: Timestamp, to end: Timestamp) throws(CryptoError) {
        guard unsafe ASN1_TIME_set(X509_getm_notBefore(certificate.pointer), Int(start.seconds)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(certificate.pointer), Int(end.seconds)) != nil
        else { throw .fromOpenSSL() }
    }

    /// Adds an extension of a root, which is its own issuer.
    ///
    /// - Parameter value: In the syntax of x509v3_config(5), which can also read files: a constant, never text from outside.
    func add(_ identifier: Int32, _ value: StaticString) throws(CryptoError) {
        try add(identifier, value, issuer: certificate)
    }

    /// Adds an extension that may speak of the issuer.
    func add(_ identifier: Int32, _ value: StaticString, issuer: borrowing Owned) throws(CryptoError) {
        try CryptoError.check(
            unsafe coffer_add_extension(certificate.pointer, issuer.pointer, identifier, value.utf8Start))
    }

    /// Adds the subject alternative names.
    ///
    /// - Throws: ``CryptoError/invalidLength`` if an address is neither of IPv4 nor of IPv6, or a host name has no length
    ///   a host name has.
    func add(_ names: [SubjectName]) throws(CryptoError) {
        let list = unsafe try Owned(GENERAL_NAMES_new(), freedBy: GENERAL_NAMES_free)
        for name in names {
            let (type, bytes) = switch name {
            case .dns(let host): (GEN_DNS, Array(host.utf8))
            case .ip(let address): (GEN_IPADD, address)
            }
            let isGood = type == GEN_DNS ? (1...253).contains(bytes.count) : [4, 16].contains(bytes.count)
            guard isGood, bytes.allSatisfy({ type == GEN_IPADD || (0x21...0x7e).contains($0) }) else {
                throw .invalidLength
            }
            try CryptoError.check(unsafe coffer_push_name(list.pointer, type, bytes, Int32(bytes.count)))
        }
        try CryptoError.check(
            unsafe X509_add1_ext_i2d(
                certificate.pointer, NID_subject_alt_name, UnsafeMutableRawPointer(list.pointer), 0, 0))
    }

    /// Signs the certificate as a root, by its own key.
    func sign(with key: PrivateKey) throws(CryptoError) {
        try sign(as: certificate, with: key)
    }

    /// Signs the certificate in the name of `issuer`, whose key is `key`, with ECDSA and SHA-256.
    func sign(as issuer: borrowing Owned, with key: PrivateKey) throws(CryptoError) {
        let name = unsafe X509_get_subject_name(issuer.pointer)
        try CryptoError.check(unsafe X509_set_issuer_name(certificate.pointer, name))
        let digest = unsafe try DigestAlgorithm.sha256.provider.handle()
        guard unsafe X509_sign(certificate.pointer, key.key, digest) > 0 else { throw .fromOpenSSL() }
    }
}
