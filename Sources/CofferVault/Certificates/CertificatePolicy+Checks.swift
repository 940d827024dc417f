import CofferCore
import CofferCrypto
import CofferModel

extension CertificatePolicy {
    /// The policy with its defaults.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    func checked(created: Timestamp, updated: Timestamp) throws -> CertificatePolicy {
        var policy = self
        let kind = try keyKind()
        policy.key_props = KeyProperties(
            exportable: try exportable(kind), kty: kind.type, key_size: kind.isRSA ? kind.bits : key_props?.key_size,
            reuse_key: key_props?.reuse_key ?? false, crv: kind.curve?.rawValue)
        let type = secret_props?.contentType ?? Self.pfx
        guard type == Self.pfx || type == Self.pem else {
            throw APIError.badParameter("policy.secret_props.contentType must be \(Self.pfx) or \(Self.pem).")
        }
        policy.secret_props = SecretProperties(contentType: type)
        var x509 = x509_props ?? X509Properties()
        x509.ekus = x509.ekus ?? ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]
        x509.key_usage = x509.key_usage ?? ["digitalSignature", "keyEncipherment"]
        x509.validity_months = x509.validity_months ?? 12
        guard let months = x509.validity_months, (1...1200).contains(months) else {
            throw APIError.badParameter("policy.x509_props.validity_months must be a number from 1 to 1200.")
        }
        policy.x509_props = x509
        policy.lifetime_actions = try (lifetime_actions ?? [Self.standardAction]).map { try $0.checked() }
        guard policy.lifetime_actions?.count ?? 0 <= 1 else {
            throw APIError.badParameter("A certificate policy has at most one lifetime action.")
        }
        policy.issuer = Issuer(name: issuer?.name ?? "Unknown", cty: issuer?.cty, cert_transparency: issuer?.cert_transparency)
        policy.attributes = Attributes(enabled: true, created: created.seconds, updated: updated.seconds)
        _ = try policy.profile()
        return policy
    }

    private static let standardAction = LifetimeAction(
        trigger: Trigger(lifetime_percentage: 80, days_before_expiry: nil), action: Action(action_type: "EmailContacts"))

    /// What a request says of the key, looked at by itself.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` for a size that keys on the curve do not have. Of policies that were stored before this was
    ///   looked at ``keyKind()`` passes it over.
    func checkKeySize() throws {
        guard let size = key_props?.key_size, case let kind = try keyKind(), kind.curve != nil, size != kind.bits else { return }
        throw APIError.badParameter("policy.key_props.key_size of a key on \(kind.curve?.rawValue ?? "") is \(kind.bits); leave it out.")
    }

    /// What kind of key the certificate has.
    func keyKind() throws -> KeyKind {
        let specification = try KeySpecification(
            CreateKeyBody(
                kty: key_props?.kty ?? "RSA", key_size: key_props?.kty?.hasPrefix("EC") == true ? nil : key_props?.key_size,
                public_exponent: nil, key_ops: nil, attributes: nil, tags: nil, crv: key_props?.crv, release_policy: nil))
        if case .oct = specification.kind.family { throw APIError.badParameter("The key of a certificate is of type RSA or EC.") }
        return specification.kind
    }

    private func exportable(_ kind: KeyKind) throws -> Bool {
        guard kind.isHardware else { return key_props?.exportable ?? true }
        guard key_props?.exportable != true else {
            throw APIError.badParameter("A key of type \(kind.type) never leaves its token: policy.key_props.exportable must be false.")
        }
        return false
    }

    /// What the certificate says of its holder.
    ///
    /// - Throws: ``APIError/badParameter(_:)``.
    func profile() throws -> CertificateProfile {
        let text = x509_props?.subject ?? ""
        guard text.count <= 200 else { throw APIError.badParameter("policy.x509_props.subject may have up to 200 characters.") }
        let subject: DistinguishedName
        do {
            subject = text.isEmpty ? .empty : try DistinguishedName(text)
        } catch {
            throw APIError.badParameter("policy.x509_props.subject is not an X.500 name such as CN=app.example.com: \(error.reason)")
        }
        let names = try alternativeNames()
        guard !subject.isEmpty || !names.isEmpty else {
            throw APIError.badParameter("policy.x509_props needs a subject such as CN=app.example.com, or sans.")
        }
        return CertificateProfile(subject: subject, names: names, usage: try usage(), purposes: try purposes())
    }

    private func alternativeNames() throws -> [SubjectName] {
        let sans = x509_props?.sans
        let dns = try (sans?.dns_names ?? []).map { text in
            guard case .dns(let name)? = SubjectName(text) else {
                throw APIError.badParameter("policy.x509_props.sans.dns_names has '\(text.shortened)', which is not a host name.")
            }
            return SubjectName.dns(name)
        }
        let emails = try (sans?.emails ?? []).map { SubjectName.email(try Self.address($0, "emails")) }
        let users = try (sans?.upns ?? []).map { SubjectName.user(try Self.address($0, "upns")) }
        let names = dns + emails + users
        guard names.count <= 100 else { throw APIError.badParameter("policy.x509_props.sans may have up to 100 names.") }
        return names
    }

    private static func address(_ text: String, _ list: String) throws -> String {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty, text.utf8.count <= 254,
            text.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw APIError.badParameter("policy.x509_props.sans.\(list) has '\(text.shortened)', which is not of the form name@domain.") }
        return text
    }

    func usage() throws -> KeyUsage {
        try (x509_props?.key_usage ?? []).reduce(into: KeyUsage()) { all, name in
            guard let usage = KeyUsage(name: name) else {
                throw APIError.badParameter("'\(name.shortened)' is not a key usage. Use the names of RFC 5280, such as digitalSignature.")
            }
            all.formUnion(usage)
        }
    }

    private func purposes() throws -> [String] {
        let purposes = x509_props?.ekus ?? []
        guard purposes.count <= 50, let bad = purposes.first(where: { !CertificateProfile.isObjectIdentifier($0) }) else {
            guard purposes.count <= 50 else { throw APIError.badParameter("policy.x509_props.ekus may have up to 50 entries.") }
            return purposes
        }
        throw APIError.badParameter("policy.x509_props.ekus has '\(bad.shortened)', which is not an object identifier such as 1.3.6.1.5.5.7.3.1.")
    }

    /// What the certificate's key may be used for in the vault (contract section 1.8).
    func operations(of kind: KeyKind) throws -> [KeyOperation] {
        let usage = try usage()
        var operations: Set<KeyOperation> = []
        if !usage.isDisjoint(with: [.digitalSignature, .nonRepudiation, .keyCertSign, .cRLSign]) { operations.formUnion([.sign, .verify]) }
        if usage.contains(.keyEncipherment) { operations.formUnion([.wrapKey, .unwrapKey]) }
        if usage.contains(.dataEncipherment) { operations.formUnion([.encrypt, .decrypt]) }
        if usage.contains(.encipherOnly) { operations.insert(.encrypt) }
        if usage.contains(.decipherOnly) { operations.insert(.decrypt) }
        return KeyOperation.allCases.filter { operations.contains($0) && kind.possibleOperations.contains($0) }
    }
}

extension CertificatePolicy.LifetimeAction {
    fileprivate func checked() throws -> Self {
        guard let type = ["AutoRenew", "EmailContacts"].spelling(of: action?.action_type ?? "") else {
            throw APIError.badParameter("A lifetime action's action_type must be AutoRenew or EmailContacts.")
        }
        switch (trigger?.lifetime_percentage, trigger?.days_before_expiry) {
        case (let percentage?, nil) where (1...99).contains(percentage): break
        case (nil, let days?) where (1...3650).contains(days): break
        default:
            throw APIError.badParameter(
                "A lifetime action's trigger has either lifetime_percentage, from 1 to 99, or days_before_expiry, from 1 to 3650.")
        }
        return Self(trigger: trigger, action: CertificatePolicy.Action(action_type: type))
    }

    var renews: Bool { action?.action_type == "AutoRenew" }

    /// When the action is due for a certificate.
    func time(from begin: Timestamp, to end: Timestamp) -> Timestamp {
        if let days = trigger?.days_before_expiry { return end.adding(.seconds(-Int64(days) * 86_400)) }
        let whole = max(0, end.seconds - begin.seconds)
        return begin.adding(.seconds(whole / 100 * Int64(trigger?.lifetime_percentage ?? 80)))
    }
}

extension KeyKind {
    /// Nil of other families.
    var curve: EllipticCurve? {
        if case .ec(let curve) = family { curve } else { nil }
    }
}
