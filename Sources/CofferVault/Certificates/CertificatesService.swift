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
        try body.policy?.checkKeySize()
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
        guard let operation = try await make(
            name, by: policy, attributes, preservesOrder: body.preserveCertOrder, in: vault, replacing: nil)
        else {
            throw APIError.certificateIsPending(name.text)
        }
        return operation
    }

    /// The same for a certificate that renews itself. For ``CertificateLifetime``.
    ///
    /// - Parameter replacing: Only if this is still the current version; nil for any.
    /// - Returns: nil if it is not.
    func make(
        _ name: ObjectName, by policy: CertificatePolicy, _ attributes: ObjectAttributes, preservesOrder: Bool?, in vault: VaultRecord,
        replacing: String?
    ) async throws -> CertificateOperation? {
        let now = clock.now()
        let version = ObjectVersionID.random()
        let kind = try policy.keyKind()
        let profile = try policy.profile()
        let (key, isReused) = try await key(of: name, kind, policy, for: version, in: vault)
        let request = try await material.request(profile, key: key, in: vault)
        var operation = CertificateOperation(
            name: name.text, version: version.text, issuer: policy.issuer, request: Base64URL.encode(request), status: .completed,
            sealedKey: nil, preservesOrder: preservesOrder, isEnabled: attributes.isEnabled ?? true,
            tags: attributes.tags ?? [:], requestID: UUID().uuidString.lowercased().filter { $0 != "-" })
        var versions: CertificateTrio.Versions?
        var shown: KeyVersionRecord?
        if policy.isSelfIssued {
            let end = now.adding(Self.months(policy.x509_props?.validity_months ?? 12))
            let leaf = try await material.selfSigned(profile, key: key, from: now.adding(.seconds(-600)), to: end, in: vault)
            versions = try await trio.versions(
                CertificateTrio.Content(
                    key: key, leaf: leaf, certificates: [leaf], preservesOrder: preservesOrder ?? false, policy: policy,
                    tags: operation.tags, isEnabled: operation.isEnabled),
                of: name, version, in: vault, at: now)
        } else {
            operation.status = .inProgress
            switch key {
            case .inToken(let record):
                operation.tokenKey = record
                operation.isKeyReused = isReused
                shown = record
            case .pair(let pair, let kind):
                operation.sealedKey = Base64URL.encode(
                    try await sealer.seal(try pair.pkcs8(), realm: vault.sealRealm, name: operation.sealName))
                shown = KeyVersionRecord(
                    StoredMaterial(kind: kind, publicPart: SoftwareKey.pair(pair).publicPart, sealedKey: "", tokenKey: nil), of: name.text,
                    version, isManaged: true, operations: try policy.operations(of: kind), tags: operation.tags, created: now)
            }
        }
        let isMade = try await store.write { [operation, versions, shown] transaction in
            try transaction.checkInUse(vault, at: now)
            try transaction.checkCertificateMayHave(name, in: vault, at: now)
            if let replacing, try transaction.objectIfAny(.certificates, name, in: vault)?.current != replacing { return false }
            guard try transaction.certificateOperation(of: name, in: vault)?.status != .inProgress else {
                throw APIError.certificateIsPending(name.text)
            }
            if isReused, case .inToken(let record) = key {
                let current = try transaction.version(KeyVersionRecord.self, of: name, nil, in: vault)
                guard current.tokenKey == record.tokenKey else { throw APIError.certificateIsPending(name.text) }
            }
            try transaction.put(policy, of: name, in: vault)
            try transaction.put(operation, of: name, in: vault)
            if let versions { try transaction.add(versions, keepsTokenKey: isReused, in: vault, at: now) }
            if let shown {
                if let id = operation.tokenKey?.tokenKeyID, !isReused { try transaction.keepTokenKey(id, at: now) }
                try transaction.hidePending(name, in: vault)
                try transaction.showPending(shown, contentType: policy.secret_props?.contentType, in: vault, at: now)
            }
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
        let preservesOrder = body.preserveCertOrder ?? false
        let version = ObjectVersionID.random()
        let versions = try await trio.versions(
            CertificateTrio.Content(
                key: .pair(taken.content.key, try taken.kind(body.policy)), leaf: taken.content.leaf,
                certificates: taken.content.certificates(preservingOrder: preservesOrder), preservesOrder: preservesOrder, policy: policy,
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
        guard operation.status == .inProgress else { throw APIError.certificateIsNotPending(name.text) }
        guard (1...20).contains(body.x5c.count) else { throw APIError.badParameter("x5c must have 1 to 20 certificates.") }
        let key = try await pendingKey(of: operation, policy, in: vault)
        let certified = try await material.apart {
            let certificates = try body.x5c.map { text in
                guard let der = StandardBase64.decode(text), let certificate = try? Certificate(der: der) else {
                    throw APIError.badParameter("x5c has something that is not a certificate's DER as base 64.")
                }
                return certificate
            }
            guard let certified = try? CertifiedKey(key: key.publicHalf(), certificates: certificates) else {
                throw APIError.badParameter("x5c has no certificate of the pending key. Have the csr of the pending certificate signed.")
            }
            return certified
        }
        guard let version = ObjectVersionID(operation.version) else { throw StoreError.corrupt(CertificateOperation.collection) }
        let now = clock.now()
        let versions = try await trio.versions(
            CertificateTrio.Content(
                key: key, leaf: certified.leaf,
                certificates: certified.certificates(preservingOrder: operation.preservesOrder ?? false),
                preservesOrder: operation.preservesOrder ?? false, policy: policy, tags: attributes.tags ?? operation.tags,
                isEnabled: attributes.isEnabled ?? operation.isEnabled),
            of: name, version, in: vault, at: now)
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            guard try transaction.certificateOperation(of: name, in: vault) == operation else {
                throw APIError.certificateIsNotPending(name.text)
            }
            try transaction.put(operation.ended(.completed), of: name, in: vault)
            try transaction.add(versions, keepsTokenKey: true, in: vault, at: now)
        }
        bell.ring()
        return versions.certificate
    }

    /// The key of the version that is yet to be: the current one's where the policy says so and it fits, else a new one.
    private func key(
        of name: ObjectName, _ kind: KeyKind, _ policy: CertificatePolicy, for version: ObjectVersionID, in vault: VaultRecord
    ) async throws -> (key: CertificateKey, isReused: Bool) {
        if policy.reusesKey {
            let current = try await store.read { transaction in
                try transaction.objectIfAny(.certificates, name, in: vault) == nil
                    ? nil : try transaction.version(KeyVersionRecord.self, of: name, nil, in: vault)
            }
            if let current, current.kind == kind {
                if let id = current.tokenKeyID {
                    let kept = StoredMaterial(kind: kind, publicPart: current.publicPart, sealedKey: "", tokenKey: id)
                    return (.inToken(try record(kept, of: name, version, policy)), true)
                }
                if case .pair(let pair) = try await material.key(of: current, in: vault) { return (.pair(pair, kind), true) }
            }
        }
        if kind.isHardware {
            return (.inToken(try record(try await material.make(kind, for: name, version, in: vault), of: name, version, policy)), false)
        }
        guard case .pair(let pair) = try await material.generated(kind) else { throw CryptoError.unsupported }
        return (.pair(pair, kind), false)
    }

    private func record(
        _ kept: StoredMaterial, of name: ObjectName, _ version: ObjectVersionID, _ policy: CertificatePolicy
    ) throws -> KeyVersionRecord {
        KeyVersionRecord(
            kept, of: name.text, version, isManaged: true, operations: try policy.operations(of: kept.kind), tags: [:], created: clock.now())
    }

    /// The key that waits for its certificate.
    private func pendingKey(
        of operation: CertificateOperation, _ policy: CertificatePolicy, in vault: VaultRecord
    ) async throws -> CertificateKey {
        if let record = operation.tokenKey { return .inToken(record) }
        guard let sealed = operation.sealedKey.flatMap({ Base64URL.decode($0) }) else {
            throw APIError.certificateIsNotPending(operation.name)
        }
        let secret = SymmetricKey(try await sealer.open(sealed, realm: vault.sealRealm, name: operation.sealName))
        let pair = try await material.apart { try PrivateKey(pkcs8: secret.bytes) }
        return .pair(pair, try CertificateTrio.kind(of: pair))
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
