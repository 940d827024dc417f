import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// The key of a certificate's version that is yet to be stored.
enum CertificateKey: Sendable {
    /// Here, of a kind that says whether it is to be moved into the token.
    case pair(PrivateKey, KeyKind)
    /// In the token. The version's record says where.
    case inToken(KeyVersionRecord)

    var kind: KeyKind {
        switch self {
        case .pair(_, let kind): kind
        case .inToken(let version): version.kind
        }
    }

    /// The pair, or of a key in the token the public half.
    func publicHalf() throws -> PrivateKey {
        switch self {
        case .pair(let pair, _): return pair
        case .inToken(let version):
            if let key = try version.publicRSAKey() { return .rsa(key) }
            guard let key = try version.publicECKey() else { throw CryptoError.unsupported }
            return .ec(key)
        }
    }
}

extension KeyMaterial {
    /// A request for `profile`, in DER, signed by `key` where it is.
    func request(_ profile: CertificateProfile, key: CertificateKey, in vault: VaultRecord) async throws -> [UInt8] {
        switch key {
        case .pair(let pair, _): return try await apart { try CertificateRequest.encode(profile, key: pair) }
        case .inToken(let version):
            return try await signed(try CertificateRequest.unsigned(profile, key: key.publicHalf()), with: version, in: vault)
        }
    }

    /// A certificate that `key` signs for itself, where it is.
    func selfSigned(
        _ profile: CertificateProfile, key: CertificateKey, from start: Timestamp, to end: Timestamp, in vault: VaultRecord
    ) async throws -> Certificate {
        switch key {
        case .pair(let pair, _): return try await apart { try Certificate.selfSigned(profile, key: pair, from: start, to: end) }
        case .inToken(let version):
            let document = try Certificate.unsigned(profile, key: key.publicHalf(), from: start, to: end)
            return try Certificate(der: try await signed(document, with: version, in: vault))
        }
    }

    private func signed(_ document: UnsignedDocument, with version: KeyVersionRecord, in vault: VaultRecord) async throws -> [UInt8] {
        let use: KeyUse =
            if let scheme = ECSignature(rawValue: document.algorithm) {
                .ecSign(document.digest, scheme)
            } else {
                .rsaSign(document.digest, .rs256)
            }
        guard case .bytes(let signature) = try await perform(use, with: version, in: vault) else { throw CryptoError.unsupported }
        return try document.signed(signature)
    }
}
