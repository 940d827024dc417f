import COpenSSL
package import CofferCore

/// A certificate (RFC 5280 section 4.1) until it is signed.
struct CertificateDraft: ~Copyable {
    let certificate: Owned
    /// The SHA-1 of the public key, by which issued certificates refer to it (RFC 5280 section 4.2.1.2, method 1).
    let keyIdentifier: [UInt8]

    /// A version 3 certificate of `key`'s public half with a random serial number, without issuer or extensions.
    init(subject: DistinguishedName, key: PrivateKey, from start: Timestamp, to end: Timestamp) throws(CryptoError) {
        let certificate = unsafe try Owned(X509_new(), freedBy: X509_free)
        try CryptoError.check(unsafe X509_set_version(certificate.pointer, 2))
        try CryptoError.check(unsafe X509_set_pubkey(certificate.pointer, key.key))
        try Self.number(certificate)
        unsafe try subject.append(to: X509_get_subject_name(certificate.pointer))
        guard unsafe ASN1_TIME_set(X509_getm_notBefore(certificate.pointer), Int(start.seconds)) != nil,
            unsafe ASN1_TIME_set(X509_getm_notAfter(certificate.pointer), Int(end.seconds)) != nil
        else { throw .fromOpenSSL() }
        var identifier = [UInt8](repeating: 0, count: DigestAlgorithm.sha1.length)
        try CryptoError.check(
            unsafe X509_pubkey_digest(certificate.pointer, DigestAlgorithm.sha1.provider.handle(), &identifier, nil))
        keyIdentifier = identifier
        self.certificate = certificate
    }

    /// Gives the certificate all but its signature.
    func complete(_ extensions: borrowing CertificateExtensions, as issuer: borrowing Owned) throws(CryptoError) {
        try extensions.extend(certificate: certificate)
        let name = unsafe X509_get_subject_name(issuer.pointer)
        try CryptoError.check(unsafe X509_set_issuer_name(certificate.pointer, name))
    }

    /// 19 random bytes before which a 1 stands: positive, and at most 20 bytes long (RFC 5280 section 4.1.2.2).
    private static func number(_ certificate: borrowing Owned) throws(CryptoError) {
        let bytes = [1] + SecureRandom.bytes(19)
        let number = unsafe try Owned(BN_bin2bn(bytes, Int32(bytes.count), nil), freedBy: BN_free)
        let serial = unsafe X509_get_serialNumber(certificate.pointer)
        guard unsafe BN_to_ASN1_INTEGER(number.pointer, serial) != nil else { throw .fromOpenSSL() }
    }

    /// Signs the certificate as a root, by its own key.
    func sign(_ extensions: borrowing CertificateExtensions, with key: PrivateKey) throws(CryptoError) {
        try sign(extensions, as: certificate, with: key)
    }

    /// Signs the certificate in the name of `issuer`, whose key is `key`, with SHA-256.
    func sign(
        _ extensions: borrowing CertificateExtensions, as issuer: borrowing Owned, with key: PrivateKey
    ) throws(CryptoError) {
        try complete(extensions, as: issuer)
        let digest = unsafe try DigestAlgorithm.sha256.provider.handle()
        guard unsafe X509_sign(certificate.pointer, key.key, digest) > 0 else { throw .fromOpenSSL() }
    }
}

extension Certificate {
    /// A certificate that the holder of `key` signs for itself, by RSA with PKCS #1 v1.5 or ECDSA, and SHA-256. It is no authority.
    ///
    /// - Throws: ``CryptoError/invalidLength`` for names or purposes that a certificate cannot carry.
    package static func selfSigned(
        _ profile: CertificateProfile, key: PrivateKey, from start: Timestamp, to end: Timestamp
    ) throws(CryptoError) -> Certificate {
        let draft = try CertificateDraft(subject: profile.subject, key: key, from: start, to: end)
        try draft.sign(draft.extensions(of: profile), with: key)
        return try Certificate(draft.certificate)
    }

    /// The same for a key that signs elsewhere.
    ///
    /// - Parameter key: The public half is enough.
    package static func unsigned(
        _ profile: CertificateProfile, key: PrivateKey, from start: Timestamp, to end: Timestamp
    ) throws(CryptoError) -> UnsignedDocument {
        let draft = try CertificateDraft(subject: profile.subject, key: key, from: start, to: end)
        try draft.complete(draft.extensions(of: profile), as: draft.certificate)
        return try UnsignedDocument(certificate: draft.certificate, key: key)
    }
}

extension CertificateDraft {
    /// Those of a certificate that vouches for itself and is no authority.
    fileprivate func extensions(of profile: CertificateProfile) throws(CryptoError) -> CertificateExtensions {
        var extensions = CertificateExtensions()
        try extensions.addConstraints(isAuthority: false)
        try extensions.add(profile)
        try extensions.add(keyIdentifier: keyIdentifier)
        try extensions.add(issuerIdentifier: keyIdentifier)
        return extensions
    }
}
