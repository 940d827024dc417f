import COpenSSL

/// A request that an authority certify a key (PKCS #10, RFC 2986).
package enum CertificateRequest {
    /// The DER of a request that asks for the profile's subject and extensions, signed by `key` with SHA-256.
    ///
    /// - Throws: ``CryptoError/invalidLength`` for names or purposes that a certificate cannot carry.
    package static func encode(_ profile: CertificateProfile, key: PrivateKey) throws(CryptoError) -> [UInt8] {
        let request = try draft(profile, key: key)
        let digest = unsafe try DigestAlgorithm.sha256.provider.handle()
        guard unsafe X509_REQ_sign(request.pointer, key.key, digest) > 0 else { throw .fromOpenSSL() }
        return unsafe try DER.encode { unsafe i2d_X509_REQ(request.pointer, $0) }
    }

    /// The same for a key that signs elsewhere.
    ///
    /// - Parameter key: The public half is enough.
    package static func unsigned(_ profile: CertificateProfile, key: PrivateKey) throws(CryptoError) -> UnsignedDocument {
        try UnsignedDocument(request: draft(profile, key: key), key: key)
    }

    private static func draft(_ profile: CertificateProfile, key: PrivateKey) throws(CryptoError) -> Owned {
        let request = unsafe try Owned(X509_REQ_new(), freedBy: X509_REQ_free)
        try CryptoError.check(unsafe X509_REQ_set_version(request.pointer, 0))
        try CryptoError.check(unsafe X509_REQ_set_pubkey(request.pointer, key.key))
        unsafe try profile.subject.append(to: X509_REQ_get_subject_name(request.pointer))
        var extensions = CertificateExtensions()
        try extensions.add(profile)
        try extensions.addConstraints(isAuthority: false)
        try extensions.extend(request: request)
        return request
    }
}

/// Values in the distinguished encoding rules (ITU-T X.690).
enum DER {
    /// What an `i2d` function of OpenSSL's writes.
    static func encode(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) throws(CryptoError) -> [UInt8] {
        let count = write(nil)
        guard count > 0 else { throw .fromOpenSSL() }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let written = unsafe bytes.withUnsafeMutableBytes { target -> Int32 in
            var cursor = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe write(&cursor)
        }
        guard written == count else { throw .fromOpenSSL() }
        return bytes
    }
}
