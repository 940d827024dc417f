import COpenSSL

/// The hash functions of FIPS 180-4 that Coffer speaks.
package enum DigestAlgorithm: String, Sendable, CaseIterable {
    /// Only inside RSA-OAEP and for certificate thumbprints, where its weakness to collisions does no harm.
    case sha1
    case sha256, sha384, sha512

    /// Length of a digest in bytes.
    package var length: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of `bytes`.
    package func hash(_ bytes: [UInt8]) -> [UInt8] {
        unsafe hash(bytes.span.bytes)
    }

    /// The digest of what `span` covers, for bytes that must not be copied.
    package func hash(_ span: RawSpan) -> [UInt8] {
        guard let algorithm = unsafe try? provider.handle() else { preconditionFailure("OpenSSL offers no \(name)") }
        var digest = [UInt8](repeating: 0, count: length)
        let status = unsafe span.withUnsafeBytes { source in
            unsafe EVP_Digest(source.baseAddress, source.count, &digest, nil, algorithm, nil)
        }
        precondition(status == 1, "a digest failed")
        return digest
    }

    /// OpenSSL's name.
    var name: String {
        switch self {
        case .sha1: "SHA1"
        case .sha256: "SHA2-256"
        case .sha384: "SHA2-384"
        case .sha512: "SHA2-512"
        }
    }

    var provider: Provider {
        switch self {
        case .sha1: .sha1
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}
