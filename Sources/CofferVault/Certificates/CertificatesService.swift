import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import Foundation

/// Makes, imports, merges, shows and changes the certificates of a vault. Knows nothing of HTTP.
struct CertificatesService: Sendable {
    let store: any Store
    let sealer: any Sealer
    let material: KeyMaterial
    let clock: any WallClock
    let bell: EventBell

    var trio: CertificateTrio { CertificateTrio(material: material, sealer: sealer) }

    /// Makes a certificate by its policy: a self-signed one at once, else a key and a request that waits for its certificate.
    ///
    /// - Throws: ``APIError/badParameter(_:)``, ``APIError/nameIsTaken(by:_:)``, ``APIError/certificateIsPending(_:)``,
    ///   ``APIError/issuerNotFound(_:)``, or ``APIError/issuerCannotSign(_:)``.
    func create(
        _ name: ObjectName, _ body: CreateCertificateBody, in vault: VaultRecord, by grant: Grant
    ) async throws -> CertificateOperation {
        let attributes = try ObjectAttributes(body.attributes, tags: body.tags, of: .certificates)
        let now = clock.now()
        let (stored, isPending) = try await store.read { transaction in
            try transaction.checkCertificateMayHave(name, in: vault, at: now)
            return (
                try transaction.certificatePolicy(of: name, in: vault),
                try transaction.certificateOperation(of: name, in: vault)?.status == .inProgress
            )
        }
        guard !isPending else { throw APIError.certificateIsPending(name.text) }
        guard let wanted = body.policy.map({ stored?.changed(by: $0) ?? $0 }) ?? stored else {
            throw APIError.badParameter("policy is missing: the first version of a certificate needs one.")
        }
        let policy = try wanted.checked(created: stored?.attributes?.created.map { Timestamp(seconds: $0) } ?? now, updated: now)
        try await checkIssuer(of: policy, in: vault)
        guard let operation = try await make(name, by: policy, attributes, in: vault, replacing: nil) else {
            throw APIError.certificateIsPending(name.text)
        }
        return operation
    }

    /// The same for a certificate that renews itself. For ``CertificateLifetime``.
    ///
    /// - Parameter replacing: Only if this is still the current version; nil for any.
    /// - Returns: nil if it is not.
    func make(
        _ name: ObjectName, by policy: CertificatePolicy, _ attributes: ObjectAttributes, in vault: VaultRecord, replacing: String?
    ) async throws -> CertificateOperation? {
        let now = clock.now()
        let version = ObjectVersionID.random()
        let kind = try policy.keyKind()
        let key = try await key(of: name, kind, policy, in: vault)
        let profile = try policy.profile()
        let request = try await material.apart { try CertificateRequest.encode(profile, key: key) }
        var operation = CertificateOperation(
            name: name.text, version: version.text, issuer: policy.issuer, request: Base64URL.encode(request), status: .completed,
            sealedKey: nil, isEnabled: attributes.isEnabled ?? true,
            tags: attributes.tags ?? [:], requestID: UUID().uuidString.lowercased().filter { $0 != "-" })
        var versions: CertificateTrio.Versions?
        if policy.isSelfIssued {
            let end = now.adding(Self.months(policy.x509_props?.validity_months ?? 12))
            let leaf = try await material.apart {
                try Certificate.selfSigned(profile, key: key, from: now.adding(.seconds(-600)), to: end)
            }
            versions = try await trio.versions(
                CertificateTrio.Content(
                    key: key, leaf: leaf, issuers: [], policy: policy, tags: operation.tags, isEnabled: operation.isEnabled),
                of: name, version, in: vault, at: now)
        } else {
            let secret = try key.pkcs8()
            operation.sealedKey = Base64URL.encode(
                try await sealer.seal(secret, realm: vault.sealRealm, name: operation.sealName))
            operation.status = .inProgress
        }
        let isMade = try await store.write { [operation, versions] transaction in
            try transaction.checkInUse(vault, at: now)
            try transaction.checkCertificateMayHave(name, in: vault, at: now)
            if let replacing, try transaction.objectIfAny(.certificates, name, in: vault)?.current != replacing { return false }
            guard try transaction.certificateOperation(of: name, in: vault)?.status != .inProgress else {
                throw APIError.certificateIsPending(name.text)
            }
            try transaction.put(policy, of: name, in: vault)
            try transaction.put(operation, of: name, in: vault)
            if let versions { try transaction.add(versions, in: vault, at: now) }
            return true
        }
        bell.ring()
        return isMade ? operation : nil
    }

    /// Takes a certificate with its key from outside.
    ///
    /// - Throws: ``APIError/badCertificate(_:)``, ``APIError/badParameter(_:)``, or ``APIError/nameIsTaken(by:_:)``.
    func importCertificate(
        _ name: ObjectName, _ body: ImportCertificateBody, in vault: VaultRecord, by grant: Grant
    ) async throws -> CertificateVersionRecord {
        let attributes = try ObjectAttributes(body.attributes, tags: body.tags, of: .certificates)
        let now = clock.now()
        let taken = try await material.apart { try CertificateImport(body) }
        let policy = try taken.policy(body.policy, at: now)
        let version = ObjectVersionID.random()
        let versions = try await trio.versions(
            CertificateTrio.Content(
                key: taken.content.key, leaf: taken.content.leaf, issuers: taken.content.issuers, policy: policy,
                tags: attributes.tags ?? [:], isEnabled: attributes.isEnabled ?? true),
            of: name, version, in: vault, at: now)
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            try transaction.checkCertificateMayHave(name, in: vault, at: now)
            try transaction.put(policy, of: name, in: vault)
            try transaction.add(versions, in: vault, at: now)
        }
        bell.ring()
        return versions.certificate
    }

    /// Completes a pending certificate with what an authority signed.
    ///
    /// - Throws: ``APIError/noPendingCertificate(_:)``, ``APIError/certificateIsNotPending(_:)``, or ``APIError/badParameter(_:)`` if the
    ///   certificate is not of the pending key.
    func merge(
        _ name: ObjectName, _ body: MergeCertificateBody, in vault: VaultRecord, by grant: Grant
    ) async throws -> CertificateVersionRecord {
        let attributes = try ObjectAttributes(body.attributes, tags: body.tags, of: .certificates)
        let (operation, policy) = try await pending(name, in: vault)
        guard operation.status == .inProgress, let sealed = operation.sealedKey.flatMap({ Base64URL.decode($0) }) else {
            throw APIError.certificateIsNotPending(name.text)
        }
        guard (1...20).contains(body.x5c.count) else { throw APIError.badParameter("x5c must have 1 to 20 certificates.") }
        let certificates = try body.x5c.map { text in
            guard let der = StandardBase64.decode(text), let certificate = try? Certificate(der: der) else {
                throw APIError.badParameter("x5c has something that is not a certificate's DER as base 64.")
            }
            return certificate
        }
        let key = try PrivateKey(pkcs8: try await sealer.open(sealed, realm: vault.sealRealm, name: operation.sealName))
        let certified: CertifiedKey
        do {
            certified = try CertifiedKey(key: key, certificates: certificates)
        } catch {
            throw APIError.badParameter("x5c has no certificate of the pending key. Have the csr of the pending certificate signed.")
        }
        guard let version = ObjectVersionID(operation.version) else { throw StoreError.corrupt(CertificateOperation.collection) }
        let now = clock.now()
        let versions = try await trio.versions(
            CertificateTrio.Content(
                key: key, leaf: certified.leaf, issuers: certified.issuers, policy: policy, tags: attributes.tags ?? operation.tags,
                isEnabled: attributes.isEnabled ?? operation.isEnabled),
            of: name, version, in: vault, at: now)
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            guard var current = try transaction.certificateOperation(of: name, in: vault), current == operation else {
                throw APIError.certificateIsNotPending(name.text)
            }
            current.status = .completed
            current.sealedKey = nil
            try transaction.put(current, of: name, in: vault)
            try transaction.add(versions, in: vault, at: now)
        }
        bell.ring()
        return versions.certificate
    }

    /// The key of the version that is yet to be: the current one's where the policy says so and it fits, else a new one.
    private func key(
        of name: ObjectName, _ kind: KeyKind, _ policy: CertificatePolicy, in vault: VaultRecord
    ) async throws -> PrivateKey {
        if policy.reusesKey {
            let current = try await store.read { transaction in
                try transaction.objectIfAny(.keys, name, in: vault) == nil
                    ? nil : try transaction.version(KeyVersionRecord.self, of: name, nil, in: vault)
            }
            if let current, current.kind == kind, case .pair(let pair) = try await material.key(of: current, in: vault) { return pair }
        }
        guard case .pair(let pair) = try await material.generated(kind) else { throw CryptoError.unsupported }
        return pair
    }

    private func checkIssuer(of policy: CertificatePolicy, in vault: VaultRecord) async throws {
        guard !policy.isSelfIssued, !policy.hasUnknownIssuer, let name = policy.issuer?.name else { return }
        let isKnown = try await store.read { transaction in
            guard let issuer = try? ObjectName(name) else { return false }
            return try transaction.certificateIssuer(issuer, in: vault) != nil
        }
        guard isKnown else { throw APIError.issuerNotFound(name) }
        throw APIError.issuerCannotSign(name)
    }

    private static func months(_ count: Int) -> CalendarDuration {
        CalendarDuration(months: Int64(count))
    }
}
