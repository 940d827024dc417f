import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Makes the three versions that a certificate is: the certificate, its key and its secret, all under one name and one id.
struct CertificateTrio: Sendable {
    let material: KeyMaterial
    let sealer: any Sealer

    /// A certificate's three versions, ready to be stored in one transaction.
    struct Versions: Sendable {
        var certificate: CertificateVersionRecord
        var key: KeyVersionRecord
        var secret: SecretVersionRecord
    }

    /// What the versions are made of.
    struct Content: Sendable {
        let key: CertificateKey
        let leaf: Certificate
        /// It and those of who vouch for it, in the order in which the secret has them.
        let certificates: [Certificate]
        let preservesOrder: Bool
        let policy: CertificatePolicy
        let tags: [String: String]
        let isEnabled: Bool
    }

    func versions(
        _ content: Content, of name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord, at now: Timestamp
    ) async throws -> Versions {
        var key = try await keyVersion(content, of: name, version, in: vault, at: now)
        let value = try await material.apart { SymmetricKey(try Self.secret(content)) }
        let sealed = try await sealer.seal(value.bytes, realm: vault.sealRealm, name: SecretVersionRecord.sealName(version, of: name))
        var secret = SecretVersionRecord(
            name: name.text, version: version.text, isManaged: true, sealedValue: Base64URL.encode(sealed),
            contentType: content.policy.secret_props?.contentType, created: now, updated: now, isEnabled: content.isEnabled, notBefore: nil,
            expires: nil, tags: content.tags, previousVersion: nil)
        var certificate = CertificateVersionRecord(content.leaf, of: name.text, version, tags: content.tags, created: now)
        certificate.preservesOrder = content.preservesOrder ? true : nil
        certificate.isEnabled = content.isEnabled
        key.isEnabled = content.isEnabled
        key.notBefore = certificate.notBefore
        key.expires = certificate.expires
        secret.notBefore = certificate.notBefore
        secret.expires = certificate.expires
        return Versions(certificate: certificate, key: key, secret: secret)
    }

    private func keyVersion(
        _ content: Content, of name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord, at now: Timestamp
    ) async throws -> KeyVersionRecord {
        switch content.key {
        case .inToken(var kept):
            kept.tags = content.tags
            return kept
        case .pair(let pair, let kind):
            let kept = try await material.keep(.pair(pair), kind, for: name, version, in: vault)
            return KeyVersionRecord(
                kept, of: name.text, version, isManaged: true, operations: try content.policy.operations(of: kind), tags: content.tags,
                created: now)
        }
    }

    /// What key there is, in software.
    static func kind(of key: PrivateKey) throws -> KeyKind {
        switch key {
        case .rsa(let key):
            guard KeyKind.rsaSizes.contains(key.bits) else {
                throw APIError.badCertificate("its RSA key has \(key.bits) bits. Use a key of 2048, 3072 or 4096 bits.")
            }
            return KeyKind(family: .rsa(bits: key.bits), isHardware: false)
        case .ec(let key): return KeyKind(family: .ec(key.curve), isHardware: false)
        }
    }

    /// The secret's value in UTF-8: a PFX with an empty password as base 64, or PEM; without the key if it is not exportable.
    private static func secret(_ content: Content) throws -> SecretBytes {
        var key: PrivateKey?
        if case .pair(let pair, let kind) = content.key, !kind.isHardware, content.policy.isExportable { key = pair }
        if content.policy.isPEM { return try CertificateExport.pem(content.certificates, key: key) }
        let pfx = try CertificateExport.pfx(content.certificates, key: key)
        var text = pfx.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes in Array(StandardBase64.encode(unsafe Array(bytes)).utf8) }
        }
        return SecretBytes(wiping: &text)
    }
}

extension WriteTransaction {
    /// Enters a certificate's three versions.
    ///
    /// - Parameter keepsTokenKey: Whether the key in the token is in use already, as another version's or an operation's.
    /// - Throws: ``APIError/nameIsTaken(by:_:)``, or ``APIError/isDeletedButRecoverable(_:_:)``.
    func add(_ versions: CertificateTrio.Versions, keepsTokenKey: Bool = false, in vault: VaultRecord, at now: Timestamp) throws {
        let name = try ObjectName(versions.certificate.name)
        try checkCertificateMayHave(name, in: vault, at: now)
        try hidePending(name, in: vault)
        if keepsTokenKey, let id = versions.key.tokenKey {
            try put(UnusedTokenKey(id: id, due: now.adding(TokenKeys.patience)), id, in: UnusedTokenKey.collection)
        }
        try add(versions.certificate, in: vault, at: now)
        try add(versions.key, in: vault, at: now)
        try add(versions.secret, in: vault, at: now)
        try append(KeyChange(kind: .newVersion, scope: vault.id, key: versions.key.name, version: versions.key.version))
        try scheduleLifetimeAction(of: name, in: vault)
    }
}

extension ReadTransaction {
    /// - Throws: ``APIError/nameIsTaken(by:_:)`` if a key or secret of its own has the name, or
    ///   ``APIError/isDeletedButRecoverable(_:_:)``.
    func checkCertificateMayHave(_ name: ObjectName, in vault: VaultRecord, at now: Timestamp) throws {
        for kind in [ObjectKind.keys, .secrets] {
            if let object = try objectIfAny(kind, name, in: vault), !object.isManaged {
                throw APIError.nameIsTaken(by: kind, object.name)
            }
        }
        for kind in ObjectKind.allCases where try deletedObjectIfAny(kind, name, in: vault, at: now) != nil {
            throw APIError.isDeletedButRecoverable(kind, name.text)
        }
    }

    func certificatePolicy(of name: ObjectName, in vault: VaultRecord) throws -> CertificatePolicy? {
        try value(CertificatePolicy.self, ObjectRecord.path(name, in: vault), in: CertificatePolicy.collection)?.value
    }

    func certificateOperation(of name: ObjectName, in vault: VaultRecord) throws -> CertificateOperation? {
        try value(CertificateOperation.self, ObjectRecord.path(name, in: vault), in: CertificateOperation.collection)?.value
    }
}

extension WriteTransaction {
    func put(_ policy: CertificatePolicy, of name: ObjectName, in vault: VaultRecord) throws {
        try put(policy, ObjectRecord.path(name, in: vault), in: CertificatePolicy.collection)
    }

    func put(_ operation: CertificateOperation, of name: ObjectName, in vault: VaultRecord) throws {
        try put(operation, ObjectRecord.path(name, in: vault), in: CertificateOperation.collection)
    }

    /// Makes a note of when the policy's lifetime action is due for the current version. To be called after every change of either.
    func scheduleLifetimeAction(of name: ObjectName, in vault: VaultRecord) throws {
        guard let policy = try certificatePolicy(of: name, in: vault), let action = policy.lifetime_actions?.first,
            try objectIfAny(.certificates, name, in: vault) != nil
        else { return }
        let version = try version(CertificateVersionRecord.self, of: name, nil, in: vault)
        guard let begin = version.notBefore, let end = version.expires else { return }
        try schedule(AgendaItem(.policy, of: .certificates, name, in: vault, due: action.time(from: begin, to: end)))
    }
}
