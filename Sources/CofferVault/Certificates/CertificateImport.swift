import CofferCore
import CofferCrypto
import CofferModel

/// A certificate with its key from outside, read from a PFX or a PEM text.
struct CertificateImport: Sendable {
    let content: CertifiedKey
    private let isPEM: Bool
    private static let mark = "-----BEGIN "

    /// - Throws: ``APIError/badCertificate(_:)`` that says what is wrong.
    init(_ body: ImportCertificateBody) throws {
        guard (body.pwd?.count ?? 0) <= 200 else { throw APIError.badParameter("pwd may have up to 200 characters.") }
        var password = Array((body.pwd ?? "").utf8)
        let secret = SecretBytes(wiping: &password)
        let decoded = body.value.contains(Self.mark) ? nil : StandardBase64.decode(body.value)
        // The SDKs send a PEM text as base 64 too.
        isPEM = body.value.contains(Self.mark) || decoded.map { Array($0.prefix(Self.mark.utf8.count)) == Array(Self.mark.utf8) } ?? false
        do {
            if isPEM {
                var text = decoded ?? Array(body.value.utf8)
                content = try CertifiedKey(pem: SecretBytes(wiping: &text), password: secret)
            } else {
                guard var pfx = decoded, !pfx.isEmpty else {
                    throw APIError.badCertificate("value is neither a PFX as base 64 nor a PEM text.")
                }
                content = try CertifiedKey(pfx: SecretBytes(wiping: &pfx), password: secret)
            }
        } catch let error as CryptoError {
            switch error {
            case .authenticationFailed: throw APIError.badCertificate("the password is wrong, or the content was changed.")
            case .unsupported:
                throw APIError.badCertificate(
                    "it is encrypted in a way that is not supported. Export it again with AES, as openssl pkcs12 -export does.")
            default:
                throw APIError.badCertificate("it needs one private key of type RSA or EC, and the certificate of that key.")
            }
        }
    }

    /// The kind that the key is to have: as it is, or in the token if the policy says so.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the policy says another.
    func kind(_ wanted: CertificatePolicy?) throws -> KeyKind {
        let found = try CertificateTrio.kind(of: content.key)
        let kinds = [found, KeyKind(family: found.family, isHardware: true)]
        guard let kty = wanted?.key_props?.kty else { return found }
        guard let kind = kinds.first(where: { $0.type == kty }) else {
            throw APIError.badParameter("policy.key_props.kty is \(kty.shortened), but the certificate's key is of type \(found.type).")
        }
        return kind
    }

    /// The policy of the certificate: what it says itself, and where the request says something the request's word.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the request's policy is of another kind of key or content.
    func policy(_ wanted: CertificatePolicy?, at now: Timestamp) throws -> CertificatePolicy {
        let kind = try kind(wanted)
        let type = isPEM ? CertificatePolicy.pem : CertificatePolicy.pfx
        if let asked = wanted?.secret_props?.contentType, asked != type {
            throw APIError.badParameter("policy.secret_props.contentType is \(asked.shortened), but the value is of type \(type).")
        }
        if let crv = wanted?.key_props?.crv, crv != kind.curve?.rawValue {
            throw APIError.badParameter("policy.key_props.crv is \(crv.shortened), but the certificate's key is on another curve, or none.")
        }
        if let size = wanted?.key_props?.key_size, size != kind.bits {
            throw APIError.badParameter("policy.key_props.key_size is \(size), but the certificate's key has \(kind.bits) bits.")
        }
        _ = try wanted?.usage()
        guard !kind.isHardware || wanted?.key_props?.exportable != true else {
            throw APIError.badParameter("A key of type \(kind.type) never leaves its token: policy.key_props.exportable must be false.")
        }
        let leaf = content.leaf
        var policy = CertificatePolicy()
        policy.key_props = CertificatePolicy.KeyProperties(
            exportable: wanted?.key_props?.exportable ?? !kind.isHardware, kty: kind.type, key_size: kind.bits,
            reuse_key: wanted?.key_props?.reuse_key ?? false, crv: kind.curve?.rawValue)
        policy.secret_props = CertificatePolicy.SecretProperties(contentType: type)
        let usage = leaf.usage.names
        policy.x509_props = CertificatePolicy.X509Properties(
            subject: leaf.subject.text, sans: leaf.alternativeNames, ekus: leaf.purposes.isEmpty ? nil : leaf.purposes,
            key_usage: usage.isEmpty ? nil : usage,
            validity_months: wanted?.x509_props?.validity_months ?? leaf.months)
        policy.lifetime_actions = wanted?.lifetime_actions
        policy.issuer = wanted?.issuer ?? CertificatePolicy.Issuer(name: "Unknown", cty: nil, cert_transparency: nil)
        policy.attributes = CertificatePolicy.Attributes(enabled: true, created: now.seconds, updated: now.seconds)
        if policy.lifetime_actions != nil { return try policy.checked(created: now, updated: now) }
        return policy
    }
}

extension Certificate {
    fileprivate var alternativeNames: CertificatePolicy.AlternativeNames? {
        var found = CertificatePolicy.AlternativeNames()
        for name in names {
            switch name {
            case .dns(let text): found.dns_names = (found.dns_names ?? []) + [text]
            case .email(let text): found.emails = (found.emails ?? []) + [text]
            case .user(let text): found.upns = (found.upns ?? []) + [text]
            case .ip: break
            }
        }
        return found == CertificatePolicy.AlternativeNames() ? nil : found
    }

    /// How long it is valid, about.
    fileprivate var months: Int { Int(max(1, min(1200, (notAfter.seconds - notBefore.seconds) / 2_629_746))) }
}
