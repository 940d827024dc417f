import CofferCore
import CofferModel
import CofferPlatform

extension CertificatesService {
    /// A certificate with what is shown beside it.
    struct Found: Sendable {
        let certificate: ShownCertificate
        let policy: CertificatePolicy?
        /// What is to become its next version, or its first.
        let pending: CertificateOperation?
    }

    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func certificate(_ version: String?, of name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> Found {
        try await store.read { transaction in
            Found(
                certificate: try transaction.shownCertificate(version, of: name, in: vault),
                policy: try transaction.certificatePolicy(of: name, in: vault),
                pending: try transaction.certificateOperation(of: name, in: vault).flatMap { $0.status == .inProgress ? $0 : nil })
        }
    }

    /// The current versions of up to `limit` certificates after the one named `mark`, in order of name.
    func certificates(
        in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<CertificateVersionRecord> {
        try await store.read { try $0.currentVersions(CertificateVersionRecord.self, in: vault, after: mark, limit: limit) }
    }

    /// The same with those that are yet to come.
    func certificatesWithPending(
        in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<ShownCertificate> {
        try await store.read { try $0.certificatesWithPending(in: vault, after: mark, limit: limit) }
    }

    /// Up to `limit` versions of a certificate after the version `mark`, in order of their ids.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func versions(
        of name: ObjectName, in vault: VaultRecord, after mark: ObjectVersionID?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<CertificateVersionRecord> {
        try await store.read { try $0.versions(CertificateVersionRecord.self, of: name, in: vault, after: mark, limit: limit) }
    }

    /// Enables or disables a version with its key and its secret, and changes its tags. Its dates are the certificate's own.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func update(
        _ version: String?, of name: ObjectName, _ body: UpdateCertificateBody, in vault: VaultRecord, by grant: Grant
    ) async throws {
        let wanted = try ObjectAttributes(body.attributes, tags: body.tags, of: .certificates)
        let now = clock.now()
        let key = try await store.write { transaction -> KeyVersionRecord? in
            try transaction.checkInUse(vault, at: now)
            if let change = body.policy { try transaction.change(change, of: name, in: vault, at: now) }
            var certificate = try transaction.version(CertificateVersionRecord.self, of: name, version, in: vault)
            let isSwitched = wanted.isEnabled.map { $0 != certificate.isEnabled } ?? false
            certificate.isEnabled = wanted.isEnabled ?? certificate.isEnabled
            certificate.tags = wanted.tags ?? certificate.tags
            certificate.updated = now
            try transaction.replace(certificate, in: vault)
            var key = try transaction.version(KeyVersionRecord.self, of: name, certificate.version, in: vault)
            key.isEnabled = certificate.isEnabled
            key.tags = certificate.tags
            key.updated = now
            try transaction.replace(key, in: vault)
            var secret = try transaction.version(SecretVersionRecord.self, of: name, certificate.version, in: vault)
            secret.isEnabled = certificate.isEnabled
            secret.tags = certificate.tags
            secret.updated = now
            try transaction.replace(secret, in: vault)
            guard isSwitched else { return nil }
            try transaction.append(KeyChange(kind: .attributes, scope: vault.id, key: key.name, version: key.version))
            return key
        }
        guard let key else { return }
        if !key.isEnabled { material.forget(key, in: vault) }
        bell.ring()
    }

    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func policy(of name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificatePolicy {
        try await store.read { transaction in
            guard let policy = try transaction.certificatePolicy(of: name, in: vault) else {
                throw APIError.notFound(.certificates, name.text, nil)
            }
            return policy
        }
    }

    /// Changes the policy by which the next version is made.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, or ``APIError/badParameter(_:)``.
    func changePolicy(
        of name: ObjectName, by change: CertificatePolicy, in vault: VaultRecord, by grant: Grant
    ) async throws -> CertificatePolicy {
        let now = clock.now()
        return try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            return try transaction.change(change, of: name, in: vault, at: now)
        }
    }

    /// - Throws: ``APIError/noPendingCertificate(_:)``.
    func operation(of name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificateOperation {
        try await pending(name, in: vault).operation
    }

    /// Gives a pending certificate up; its key is destroyed.
    ///
    /// - Throws: ``APIError/noPendingCertificate(_:)``, or ``APIError/certificateIsNotPending(_:)``.
    func cancel(_ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificateOperation {
        try await store.write { transaction in
            guard let operation = try transaction.certificateOperation(of: name, in: vault) else {
                throw APIError.noPendingCertificate(name.text)
            }
            guard operation.status == .inProgress else { throw APIError.certificateIsNotPending(name.text) }
            try transaction.releaseTokenKey(of: operation)
            try transaction.put(operation.ended(.cancelled), of: name, in: vault)
            return operation.ended(.cancelled)
        }
    }

    /// Forgets the making of a certificate, whatever came of it.
    ///
    /// - Throws: ``APIError/noPendingCertificate(_:)``.
    func removeOperation(of name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificateOperation {
        try await store.write { transaction in
            guard let operation = try transaction.certificateOperation(of: name, in: vault) else {
                throw APIError.noPendingCertificate(name.text)
            }
            let path = ObjectRecord.path(name, in: vault)
            try transaction.releaseTokenKey(of: operation)
            try transaction.hidePending(name, in: vault)
            try transaction.remove(path, in: CertificateOperation.collection, if: .any)
            // Of a certificate that never came there is nothing else.
            if try transaction.objectIfAny(.certificates, name, in: vault) == nil {
                try transaction.remove(path, in: CertificatePolicy.collection, if: .any)
            }
            return operation
        }
    }

    func pending(
        _ name: ObjectName, in vault: VaultRecord
    ) async throws -> (operation: CertificateOperation, policy: CertificatePolicy) {
        try await store.read { transaction in
            guard let operation = try transaction.certificateOperation(of: name, in: vault),
                let policy = try transaction.certificatePolicy(of: name, in: vault)
            else { throw APIError.noPendingCertificate(name.text) }
            return (operation, policy)
        }
    }
}

extension WriteTransaction {
    @discardableResult
    fileprivate func change(
        _ change: CertificatePolicy, of name: ObjectName, in vault: VaultRecord, at now: Timestamp
    ) throws -> CertificatePolicy {
        guard let stored = try certificatePolicy(of: name, in: vault) else { throw APIError.notFound(.certificates, name.text, nil) }
        try change.checkKeySize()
        let created = stored.attributes?.created.map { Timestamp(seconds: $0) } ?? now
        let policy = try stored.changed(by: change).checked(created: created, updated: now)
        try put(policy, of: name, in: vault)
        try scheduleLifetimeAction(of: name, in: vault)
        return policy
    }
}
