import COpenSSL
package import CofferCore

/// A local certification authority: one self-signed root that signs the certificates of servers and of
/// disks' clients.
package struct CertificateAuthority: ~Copyable, Sendable {
    /// The root, for clients to trust. It ends ten years after it was made.
    package let certificate: Certificate
    /// The root's key as PEM (`PRIVATE KEY`, unencrypted). Whoever has it can pose as any server to those who trust the
    /// root.
    package let privateKey: SecretBytes

    /// Makes an authority with a new EC P-256 key.
    ///
    /// - Parameters:
    ///   - commonName: Its name, 1 to 64 characters (RFC 5280 appendix A.1).
    ///   - now: The root holds from an hour before, for clients whose clock is late.
    /// - Throws: ``CryptoError/invalidLength`` for other names.
    package static func create(commonName: String, now: Timestamp) throws(CryptoError) -> CertificateAuthority {
        let key = try PrivateKey.ec(ECKey.generate(on: .p256))
        let draft = try CertificateDraft(
            subject: DistinguishedName(commonName: commonName), key: key, from: now.adding(.seconds(-3600)),
            to: now.adding(.seconds(3650 * 86_400)))
        var extensions = CertificateExtensions()
        try extensions.addConstraints(isAuthority: true)
        try extensions.add([.keyCertSign, .cRLSign])
        try extensions.add(keyIdentifier: draft.keyIdentifier)
        try draft.sign(extensions, with: key)
        return try CertificateAuthority(
            certificate: Certificate(draft.certificate), privateKey: PEM.encode(privateKey: key))
    }

    /// Takes up an authority again that ``create(commonName:now:)`` made.
    ///
    /// - Parameters:
    ///   - pem: ``certificate``'s text.
    ///   - privateKey: PEM.
    /// - Throws: ``CryptoError/invalidKey`` if one of them is malformed, the key is not the certificate's, or the
    ///   certificate may not sign others.
    package init(pem: String, privateKey: consuming SecretBytes) throws(CryptoError) {
        let root = try PEM.certificate(pem)
        let key = try PEM.privateKey(privateKey)
        try CryptoError.check(unsafe X509_check_private_key(root.pointer, key.key), or: .invalidKey)
        try CryptoError.check(unsafe X509_check_ca(root.pointer), or: .invalidKey)
        let certificate = try Certificate(root)
        self.init(certificate: certificate, privateKey: privateKey)
    }

    private init(certificate: Certificate, privateKey: consuming SecretBytes) {
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// Issues a certificate for a server, with a new EC P-256 key. It ends a year after `now`, or with the root.
    ///
    /// - Parameters:
    ///   - names: Under which the server is reached; at least one.
    ///   - now: The certificate holds from an hour before.
    /// - Throws: ``CryptoError/invalidLength`` if there are no names or one is too long.
    package borrowing func issue(for names: [SubjectName], now: Timestamp) throws(CryptoError) -> IssuedCertificate {
        try issue(
            DistinguishedName(commonName: Self.commonName(names)), names, purpose: "1.3.6.1.5.5.7.3.1", until: now.adding(.seconds(365 * 86_400)), now: now)
    }

    /// Issues a certificate for a client, with a new EC P-256 key. It ends at `end`, or with the root.
    ///
    /// - Parameters:
    ///   - commonName: What the server knows it by, 1 to 64 characters.
    ///   - now: The certificate holds from an hour before.
    /// - Throws: ``CryptoError/invalidLength`` for other names.
    package borrowing func issueClient(_ commonName: String, until end: Timestamp, now: Timestamp) throws(CryptoError) -> IssuedCertificate {
        try issue(DistinguishedName(commonName: commonName), [], purpose: "1.3.6.1.5.5.7.3.2", until: end, now: now)
    }

    /// - Parameter purpose: An object identifier with dots.
    private borrowing func issue(
        _ subject: DistinguishedName, _ names: [SubjectName], purpose: String, until: Timestamp, now: Timestamp
    ) throws(CryptoError) -> IssuedCertificate {
        let root = try PEM.certificate(certificate.pem)
        let rootKey = try PEM.privateKey(privateKey)
        let key = try PrivateKey.ec(ECKey.generate(on: .p256))
        let draft = try CertificateDraft(
            subject: subject, key: key, from: now.adding(.seconds(-3600)), to: min(until, certificate.notAfter))
        var extensions = CertificateExtensions()
        try extensions.addConstraints(isAuthority: false)
        try extensions.add(.digitalSignature)
        try extensions.add(purposes: [purpose])
        try extensions.add(keyIdentifier: draft.keyIdentifier)
        try extensions.add(issuerIdentifier: Self.keyIdentifier(of: root))
        if !names.isEmpty { try extensions.add(names, isCritical: false) }
        try draft.sign(extensions, as: root, with: rootKey)
        return try IssuedCertificate(
            certificate: Certificate(draft.certificate), privateKey: PEM.encode(privateKey: key))
    }

    private static func keyIdentifier(of root: borrowing Owned) throws(CryptoError) -> [UInt8] {
        guard let octets = unsafe X509_get0_subject_key_id(root.pointer), let start = unsafe ASN1_STRING_get0_data(octets) else {
            throw .hiding(as: .invalidKey)
        }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(octets))))
    }

    /// Clients go by the alternative names; the subject is for people, and must not be empty.
    private static func commonName(_ names: [SubjectName]) throws(CryptoError) -> String {
        guard !names.isEmpty else { throw .invalidLength }
        for case .dns(let name) in names where name.utf8.count <= 64 { return name }
        return "Coffer"
    }
}

/// A certificate of a server or a client, and the key that proves it.
package struct IssuedCertificate: ~Copyable, Sendable {
    /// What it shows. The root need not be sent along.
    package let certificate: Certificate
    /// The key as PEM (`PRIVATE KEY`, unencrypted).
    package let privateKey: SecretBytes

    init(certificate: Certificate, privateKey: consuming SecretBytes) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}
