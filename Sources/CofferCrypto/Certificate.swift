import COpenSSL
package import CofferCore

/// What is to be known of an X.509 certificate (RFC 5280).
package struct Certificate: Equatable, Sendable {
    /// The certificate as text (RFC 7468).
    package let pem: String
    /// Its encoding, which the signature is over.
    package let der: [UInt8]
    package let subject: DistinguishedName
    package let issuer: DistinguishedName
    /// First moment of its validity.
    package let notBefore: Timestamp
    /// Last moment of its validity.
    package let notAfter: Timestamp
    /// The names it stands for besides its subject; kinds of names that ``SubjectName`` does not have are left out.
    package let names: [SubjectName]
    /// Empty where it does not say.
    package let usage: KeyUsage
    /// Object identifiers with dots; empty where it does not say.
    package let purposes: [String]
    /// The SHA-256 of its DER, by which people compare certificates.
    package let fingerprint: [UInt8]

    /// The SHA-1 of its DER, by which Key Vault and Windows name certificates. Nothing is proved by it.
    package var thumbprint: [UInt8] { DigestAlgorithm.sha1.hash(der) }

    /// Whether it names itself as its issuer.
    package var isSelfIssued: Bool { issuer == subject }

    /// Reads the first certificate of `pem`. Nobody's signature on it is verified.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none.
    package init(pem: String) throws(CryptoError) {
        try self.init(PEM.certificate(pem))
    }

    /// Reads a certificate. Nobody's signature on it is verified.
    ///
    /// - Parameter der: And nothing after it.
    /// - Throws: ``CryptoError/invalidKey`` if it is malformed.
    package init(der: [UInt8]) throws(CryptoError) {
        try self.init(Self.decode(der))
    }

    init(_ certificate: borrowing Owned) throws(CryptoError) {
        pem = try PEM.encode(certificate: certificate)
        der = unsafe try DER.encode { unsafe i2d_X509(certificate.pointer, $0) }
        subject = unsafe try DistinguishedName(X509_get_subject_name(certificate.pointer))
        issuer = unsafe try DistinguishedName(X509_get_issuer_name(certificate.pointer))
        notBefore = unsafe try Self.timestamp(X509_get0_notBefore(certificate.pointer))
        notAfter = unsafe try Self.timestamp(X509_get0_notAfter(certificate.pointer))
        names = Self.names(certificate)
        usage = Self.usage(certificate)
        purposes = Self.purposes(certificate)
        fingerprint = DigestAlgorithm.sha256.hash(der)
    }

    /// Whether the certificate is of the public half of `key`.
    package func isOf(_ key: PrivateKey) -> Bool {
        guard let certificate = try? Self.decode(der) else { return false }
        defer { ERR_clear_error() }
        return unsafe X509_check_private_key(certificate.pointer, key.key) == 1
    }

    /// OpenSSL's form of a certificate.
    static func decode(_ der: [UInt8]) throws(CryptoError) -> Owned {
        var isWhole = false
        let pointer = unsafe der.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let start = bytes.baseAddress else { return nil }
            var cursor = unsafe Optional(start.assumingMemoryBound(to: UInt8.self))
            let found = unsafe d2i_X509(nil, &cursor, bytes.count)
            if let end = unsafe cursor { unsafe isWhole = UnsafeRawPointer(end) == start + bytes.count }
            return unsafe found
        }
        let certificate = unsafe try Owned(pointer, freedBy: X509_free, or: .invalidKey)
        guard isWhole else { throw .hiding(as: .invalidKey) }
        return certificate
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
            case GEN_EMAIL: names.append(.email(String(decoding: bytes, as: UTF8.self)))
            case GEN_OTHERNAME: names.append(.user(String(decoding: bytes, as: UTF8.self)))
            default: break
            }
            index += 1
        }
    }

    private static func usage(_ certificate: borrowing Owned) -> KeyUsage {
        let extensionValue = unsafe X509_get_ext_d2i(certificate.pointer, NID_key_usage, nil, nil)
        ERR_clear_error()
        guard let bits = unsafe extensionValue?.assumingMemoryBound(to: ASN1_BIT_STRING.self) else { return [] }
        defer { unsafe ASN1_BIT_STRING_free(bits) }
        var usage: UInt16 = 0
        for bit in 0..<9 where unsafe ASN1_BIT_STRING_get_bit(bits, Int32(bit)) == 1 { usage |= 1 << UInt16(bit) }
        return KeyUsage(rawValue: usage)
    }

    private static func purposes(_ certificate: borrowing Owned) -> [String] {
        let extensionValue = unsafe X509_get_ext_d2i(certificate.pointer, NID_ext_key_usage, nil, nil)
        ERR_clear_error()
        guard let list = unsafe extensionValue.map({ OpaquePointer($0) }) else { return [] }
        defer { unsafe EXTENDED_KEY_USAGE_free(list) }
        return (0..<max(0, unsafe OPENSSL_sk_num(list))).compactMap { index in
            guard let object = unsafe OPENSSL_sk_value(list, index) else { return nil }
            return unsafe ObjectIdentifierText.text(OpaquePointer(object))
        }
    }
}

/// Object identifiers with dots.
enum ObjectIdentifierText {
    /// Nil for one that is absurdly long.
    static func text(_ object: OpaquePointer?) -> String? {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = unsafe buffer.withUnsafeMutableBytes { buffer in
            unsafe OBJ_obj2txt(buffer.assumingMemoryBound(to: CChar.self).baseAddress, Int32(buffer.count), object, 1)
        }
        guard length > 0, buffer.indices.contains(Int(length)) else { return nil }
        return String(decoding: buffer[..<Int(length)], as: UTF8.self)
    }
}
