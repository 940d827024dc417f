import COpenSSL
package import CofferCore

/// A private key, the certificate of its public half, and certificates of those who vouch for that one.
package struct CertifiedKey: Sendable {
    package let key: PrivateKey
    /// The certificate of the key.
    package let leaf: Certificate
    /// All certificates in the order in which they were found, the leaf among them.
    package let certificates: [Certificate]

    /// The certificates other than the leaf, each issuer after what it issued as far as they make a chain, the rest behind.
    package var issuers: [Certificate] {
        var rest = certificates.filter { $0 != leaf }
        var chain: [Certificate] = []
        var last = leaf
        while !last.isSelfIssued, let next = rest.firstIndex(where: { $0.subject == last.issuer }) {
            last = rest.remove(at: next)
            chain.append(last)
        }
        return chain + rest
    }

    /// All certificates, the leaf first and the ``issuers`` after it, or as they were found.
    package func certificates(preservingOrder isPreserved: Bool) -> [Certificate] { isPreserved ? certificates : [leaf] + issuers }

    /// - Throws: ``CryptoError/invalidKey`` unless one of the certificates is the key's.
    package init(key: PrivateKey, certificates: [Certificate]) throws(CryptoError) {
        guard let leaf = certificates.first(where: { $0.isOf(key) }) else { throw .invalidKey }
        self.key = key
        self.leaf = leaf
        self.certificates = certificates
    }

    /// Reads a PFX (PKCS #12, RFC 7292).
    ///
    /// - Parameter password: Empty where there is none.
    /// - Throws: ``CryptoError/authenticationFailed`` if the password is wrong or the content was changed,
    ///   ``CryptoError/unsupported`` if it is encrypted in a way that the OpenSSL of this machine does not have or that would take too
    ///   long, ``CryptoError/invalidKey`` if it is malformed, or has no private key, or no certificate of it.
    package init(pfx: borrowing SecretBytes, password: borrowing SecretBytes) throws(CryptoError) {
        var reader = try PFXReader(password)
        try reader.read(pfx)
        try self.init(reader)
    }

    /// Reads the blocks of a PEM text (RFC 7468): one private key (`PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`, `RSA PRIVATE KEY` or
    /// `EC PRIVATE KEY`) and certificates, in any order. Other blocks are passed over.
    ///
    /// - Throws: As ``init(pfx:password:)``.
    package init(pem: borrowing SecretBytes, password: borrowing SecretBytes) throws(CryptoError) {
        var reader = try PFXReader(password)
        try reader.readPEM(pem)
        try self.init(reader)
    }

    private init(_ reader: consuming PFXReader) throws(CryptoError) {
        guard let key = reader.key else { throw .hiding(as: .invalidKey) }
        try key.checkConsistency()
        try self.init(key: key, certificates: reader.certificates)
    }
}

/// A key and its certificates for others to read.
package enum CertificateExport {
    /// A PFX with an empty password: AES-256 in CBC and an HMAC with SHA-256 (RFC 8018, RFC 7292). Certificates stand in the order given;
    /// the key refers to its own if that is the first.
    ///
    /// - Parameter key: Nil for a file of certificates alone.
    package static func pfx(_ certificates: [Certificate], key: PrivateKey?) throws(CryptoError) -> SecretBytes {
        let chain = unsafe try Owned(OPENSSL_sk_new_null(), freedBy: coffer_certificates_free)
        for certificate in certificates {
            let copy = try Certificate.decode(certificate.der)
            try CryptoError.check(unsafe X509_up_ref(copy.pointer))
            guard unsafe OPENSSL_sk_push(chain.pointer, UnsafeRawPointer(copy.pointer)) > 0 else {
                unsafe X509_free(copy.pointer)
                throw .fromOpenSSL()
            }
        }
        var first: OpaquePointer?
        if let key, let head = certificates.first, head.isOf(key) { unsafe first = OPENSSL_sk_shift(chain.pointer).map { OpaquePointer($0) } }
        defer { unsafe X509_free(first) }
        let file = unsafe try Owned(
            PKCS12_create(
                "", nil, key?.key, first, chain.pointer, NID_aes_256_cbc, NID_aes_256_cbc, 2048, 2048, 0),
            freedBy: PKCS12_free)
        let count = unsafe i2d_PKCS12(file.pointer, nil)
        guard count > 0 else { throw .fromOpenSSL() }
        return try SecretBytes(count: Int(count)) { (span: inout MutableRawSpan) throws(CryptoError) in
            let written = unsafe span.withUnsafeMutableBytes { target -> Int32 in
                var cursor = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe i2d_PKCS12(file.pointer, &cursor)
            }
            guard written == count else { throw .fromOpenSSL() }
        }
    }

    /// The same as ``pem(_:key:)`` of what a PFX with an empty password holds.
    ///
    /// - Throws: As ``CertifiedKey/init(pfx:password:)``.
    package static func pem(ofPFX file: borrowing SecretBytes) throws(CryptoError) -> SecretBytes {
        var reader = try PFXReader(SecretBytes(count: 0) { _ in })
        try reader.read(file)
        return try pem(reader.certificates, key: reader.key)
    }

    /// The key as `PRIVATE KEY` and then the certificates, in the order given.
    ///
    /// - Parameter key: Nil for certificates alone.
    package static func pem(_ certificates: [Certificate], key: PrivateKey?) throws(CryptoError) -> SecretBytes {
        let text = Array(certificates.map(\.pem).joined().utf8)
        guard let key else { return unsafe SecretBytes(copying: text.span.bytes) }
        let head = try PEM.encode(privateKey: key)
        return SecretBytes(count: head.count + text.count) { (span: inout MutableRawSpan) in
            head.withBytes { head in
                unsafe span.withUnsafeMutableBytes { target in
                    unsafe head.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
                    unsafe text.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(rebasing: target[head.byteCount...]).copyMemory(from: $0) }
                }
            }
        }
    }
}
