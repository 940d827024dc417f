import COpenSSL
package import CofferCore

/// What a server needs to know of an X.509 certificate (RFC 5280).
package struct Certificate: Sendable {
    /// The certificate as text (RFC 7468).
    package let pem: String
    /// First moment of its validity.
    package let notBefore: Timestamp
    /// Last moment of its validity.
    package let notAfter: Timestamp
    /// The host names and addresses it stands for; other kinds of names are left out.
    package let names: [SubjectName]
    /// The SHA-256 of its DER, by which people compare certificates.
    package let fingerprint: [UInt8]

    /// Reads the first certificate of `pem`. Nobody's signature on it is verified.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none.
    package init(pem: String) throws(CryptoError) {
        try self.init(PEM.certificate(pem))
    }

    init(_ certificate: borrowing Owned) throws(CryptoError) {
        pem = try PEM.encode(certificate: certificate)
        notBefore = unsafe try Self.timestamp(X509_get0_notBefore(certificate.pointer))
        notAfter = unsafe try Self.timestamp(X509_get0_notAfter(certificate.pointer))
        names = Self.names(certificate)
        var digest = [UInt8](repeating: 0, count: DigestAlgorithm.sha256.length)
        try CryptoError.check(
            unsafe X509_digest(certificate.pointer, DigestAlgorithm.sha256.provider.handle(), &digest, nil))
        fingerprint = digest
    }

    private static func timestamp(_ time: UnsafePointer<ASN1_TIME>?) throws(CryptoError) -> Timestamp {
        let epoch = unsafe ASN1_TIME_set(nil, 0)
        defer { unsafe ASN1_TIME_free(epoch) }
        var days: Int32 = 0
        var seconds: Int32 = 0
        try CryptoError.check(unsafe ASN1_TIME_diff(&days, &seconds, epoch, time), or: .invalidKey)
        return Timestamp(seconds: Int64(days) * 86_400 + Int64(seconds))
    }

    private static func names(_ certificate: borrowing Owned) -> [SubjectName] {
        let extensionValue = unsafe X509_get_ext_d2i(certificate.pointer, NID_subject_alt_name, nil, nil)
        ERR_clear_error()
        guard let list = unsafe extensionValue.map({ OpaquePointer($0) }) else { return [] }
        defer { unsafe GENERAL_NAMES_free(list) }
        var names: [SubjectName] = []
        var index: Int32 = 0
        var start: UnsafePointer<UInt8>?
        var count: Int32 = 0
        while true {
            let type = unsafe coffer_name_at(list, index, &start, &count)
            let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: Int(count)))
            switch type {
            case -1: return names
            case GEN_DNS: names.append(.dns(String(decoding: bytes, as: UTF8.self)))
            case GEN_IPADD: names.append(.ip(bytes))
            default: break
            }
            index += 1
        }
    }
}
