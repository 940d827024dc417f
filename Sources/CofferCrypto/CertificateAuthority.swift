import COpenSSL
package import CofferCore

/// A local certification authority: one self-signed root that signs the certificates of servers.
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
        let draft = try CertificateDraft(subject: commonName, key: key)
        try draft.limit(from: now.adding(.seconds(-3600)), to: now.adding(.seconds(3650 * 86_400)))
        try draft.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try draft.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.sign(with: key)
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
    package borrowing func issue(
        for names: [SubjectName], now: Timestamp
    ) throws(CryptoError) -> ServerCertificate {
        let root = try PEM.certificate(certificate.pem)
        let rootKey = try PEM.privateKey(privateKey)
        let key = try PrivateKey.ec(ECKey.generate(on: .p256))
        let draft = try CertificateDraft(subject: Self.commonName(names), key: key)
        let end = min(now.adding(.seconds(365 * 86_400)), certificate.notAfter)
        try draft.limit(from: now.adding(.seconds(-3600)), to: end)
        try draft.add(NID_basic_constraints, "critical,CA:FALSE")
        try draft.add(NID_key_usage, "critical,digitalSignature")
        try draft.add(NID_ext_key_usage, "serverAuth")
        try draft.add(NID_subject_key_identifier, "hash")
        try draft.add(NID_authority_key_identifier, "keyid:always", issuer: root)
        try draft.add(names)
        try draft.sign(as: root, with: rootKey)
        return try ServerCertificate(
            certificate: Certificate(draft.certificate), privateKey: PEM.encode(privateKey: key))
    }

    /// Clients go by the alternative names; the subject is for people, and must not be empty.
    private static func commonName(_ names: [SubjectName]) throws(CryptoError) -> String {
        guard !names.isEmpty else { throw .invalidLength }
        for case .dns(let name) in names where name.utf8.count <= 64 { return name }
        return "Coffer"
    }
}

/// A server's certificate and the key that proves it.
package struct ServerCertificate: ~Copyable, Sendable {
    /// What the server shows. The root need not be sent along.
    package let certificate: Certificate
    /// The key as PEM (`PRIVATE KEY`, unencrypted).
    package let privateKey: SecretBytes

    init(certificate: Certificate, privateKey: consuming SecretBytes) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}
