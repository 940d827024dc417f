import COpenSSL
import CofferCore

/// The extensions (RFC 5280 section 4.2) of a certificate or a request in the making. All are built from values; nothing goes through
/// OpenSSL's configuration syntax, which can also read files.
@safe
struct CertificateExtensions: ~Copyable {
    private var list: OpaquePointer?

    init() {
        unsafe list = nil
    }

    /// Whether the holder may sign certificates of others, though not of other authorities.
    mutating func addConstraints(isAuthority: Bool) throws(CryptoError) {
        try CryptoError.check(unsafe coffer_add_constraints(&list, isAuthority ? 1 : 0))
    }

    mutating func add(_ usage: KeyUsage) throws(CryptoError) {
        try CryptoError.check(unsafe coffer_add_usage(&list, UInt32(usage.rawValue)))
    }

    /// Adds an extended key usage.
    ///
    /// - Parameter purposes: Object identifiers with dots.
    /// - Throws: ``CryptoError/invalidLength`` if one of them is none.
    mutating func add(purposes: [String]) throws(CryptoError) {
        let value = unsafe try Owned(EXTENDED_KEY_USAGE_new(), freedBy: EXTENDED_KEY_USAGE_free)
        for purpose in purposes {
            guard CertificateProfile.isObjectIdentifier(purpose) else { throw .invalidLength }
            try CryptoError.check(unsafe coffer_push_purpose(value.pointer, purpose), or: .invalidLength)
        }
        try add(NID_ext_key_usage, value, isCritical: false)
    }

    /// Adds the identifier of the holder's key.
    mutating func add(keyIdentifier: [UInt8]) throws(CryptoError) {
        try CryptoError.check(unsafe coffer_add_identifier(&list, keyIdentifier, Int32(keyIdentifier.count), 0))
    }

    /// Adds the identifier of the issuer's key.
    mutating func add(issuerIdentifier: [UInt8]) throws(CryptoError) {
        try CryptoError.check(unsafe coffer_add_identifier(&list, issuerIdentifier, Int32(issuerIdentifier.count), 1))
    }

    /// Adds the subject alternative names.
    ///
    /// - Parameter isCritical: Whether they are all the certificate says of its subject.
    /// - Throws: ``CryptoError/invalidLength`` if an address is neither of IPv4 nor of IPv6, or another name has no length
    ///   or no characters that it can have.
    mutating func add(_ names: [SubjectName], isCritical: Bool) throws(CryptoError) {
        let value = unsafe try Owned(GENERAL_NAMES_new(), freedBy: GENERAL_NAMES_free)
        for name in names {
            switch name {
            case .dns(let host): try push(GEN_DNS, Array(host.utf8), upTo: 253, value)
            case .email(let address): try push(GEN_EMAIL, Array(address.utf8), upTo: 254, value)
            case .ip(let address):
                guard [4, 16].contains(address.count) else { throw .invalidLength }
                try CryptoError.check(unsafe coffer_push_name(value.pointer, GEN_IPADD, address, Int32(address.count)))
            case .user(let text):
                let bytes = Array(text.utf8)
                guard (1...1024).contains(bytes.count), !bytes.contains(0) else { throw .invalidLength }
                try CryptoError.check(unsafe coffer_push_user(value.pointer, bytes, Int32(bytes.count)))
            }
        }
        try add(NID_subject_alt_name, value, isCritical: isCritical)
    }

    /// Gives the extensions to a certificate.
    borrowing func extend(certificate: borrowing Owned) throws(CryptoError) {
        try CryptoError.check(unsafe coffer_extend(certificate.pointer, list))
    }

    /// Asks for the extensions in a request.
    borrowing func extend(request: borrowing Owned) throws(CryptoError) {
        try CryptoError.check(unsafe X509_REQ_add_extensions(request.pointer, list))
    }

    private func push(_ type: Int32, _ bytes: [UInt8], upTo limit: Int, _ names: borrowing Owned) throws(CryptoError) {
        guard (1...limit).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .invalidLength }
        try CryptoError.check(unsafe coffer_push_name(names.pointer, type, bytes, Int32(bytes.count)))
    }

    private mutating func add(_ identifier: Int32, _ value: borrowing Owned, isCritical: Bool) throws(CryptoError) {
        try CryptoError.check(
            unsafe X509V3_add1_i2d(
                &list, identifier, UnsafeMutableRawPointer(value.pointer), isCritical ? 1 : 0, UInt(X509V3_ADD_APPEND)))
    }

    deinit {
        unsafe coffer_extensions_free(list)
    }
}

extension CertificateExtensions {
    /// Adds what a profile says.
    mutating func add(_ profile: CertificateProfile) throws(CryptoError) {
        if !profile.usage.isEmpty { try add(profile.usage) }
        if !profile.purposes.isEmpty { try add(purposes: profile.purposes) }
        if !profile.names.isEmpty { try add(profile.names, isCritical: profile.subject.isEmpty) }
    }
}
