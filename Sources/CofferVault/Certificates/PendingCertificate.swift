import CofferCore
import CofferModel
import CofferPlatform

/// What is shown of a certificate.
enum ShownCertificate: Sendable {
    case made(CertificateVersionRecord)
    /// The first of its name, which is yet to come: its key, as ``WriteTransaction/showPending(_:contentType:in:at:)`` shows it.
    case pending(KeyVersionRecord)

    var name: String {
        switch self {
        case .made(let version): version.name
        case .pending(let key): key.name
        }
    }
}

extension ReadTransaction {
    /// A version of a certificate, or what is shown of the one that is yet to come.
    ///
    /// - Parameter version: nil for the current one.
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func shownCertificate(_ version: String?, of name: ObjectName, in vault: VaultRecord) throws -> ShownCertificate {
        if let key = try pendingKey(of: name, in: vault), version == nil || version == key.version {
            return .pending(key)
        }
        return .made(try self.version(CertificateVersionRecord.self, of: name, version, in: vault))
    }

    private func pendingKey(of name: ObjectName, in vault: VaultRecord) throws -> KeyVersionRecord? {
        guard let operation = try certificateOperation(of: name, in: vault) else { return nil }
        return try pendingKey(of: operation, in: vault)
    }

    /// The key that is shown of a certificate that is yet to come, if the operation is to make the first of its name.
    private func pendingKey(of operation: CertificateOperation, in vault: VaultRecord) throws -> KeyVersionRecord? {
        let name = try ObjectName(operation.name)
        guard operation.status == .inProgress, try objectIfAny(.certificates, name, in: vault) == nil,
            let version = ObjectVersionID(operation.version)
        else { return nil }
        return try storedVersion(KeyVersionRecord.self, of: name, version, in: vault)
    }

    /// Up to `limit` certificates after the one named `mark`, in order of name, those among them that are yet to come.
    func certificatesWithPending(in vault: VaultRecord, after mark: ObjectName?, limit: Int) throws -> ObjectPage<ShownCertificate> {
        let page = try currentVersions(CertificateVersionRecord.self, in: vault, after: mark, limit: limit)
        let all = page.items.map { ShownCertificate.made($0) }
            + (try pendingKeys(in: vault, after: mark, limit: limit + 1).map { ShownCertificate.pending($0) })
        let sorted = all.sorted { $0.name.lowercased() < $1.name.lowercased() }
        let isWhole = sorted.count <= limit && page.next == nil
        let shown = Array(sorted.prefix(limit))
        return ObjectPage(items: shown, next: isWhole ? nil : shown.last?.name.lowercased())
    }

    private func pendingKeys(in vault: VaultRecord, after mark: ObjectName?, limit: Int) throws -> [KeyVersionRecord] {
        var found: [KeyVersionRecord] = []
        var place = mark.map { ObjectRecord.path($0, in: vault) }
        while found.count < limit {
            let documents = try documents(in: CertificateOperation.collection, prefix: "\(vault.instance)/", after: place, limit: 100)
            for document in documents {
                guard let operation = try? JSON.decode(CertificateOperation.self, from: document.body) else {
                    throw StoreError.corrupt("\(CertificateOperation.collection)/\(document.id)")
                }
                if let key = try pendingKey(of: operation, in: vault) { found.append(key) }
            }
            guard documents.count == 100 else { break }
            place = documents.last?.id
        }
        return Array(found.prefix(limit))
    }
}

extension WriteTransaction {
    /// Shows the key and the secret of a certificate that is yet to come, if it is the first of its name: both disabled, and the secret
    /// empty (contract section 1.8).
    ///
    /// - Parameter key: With its public part; its material stays with the operation.
    func showPending(_ key: KeyVersionRecord, contentType: String?, in vault: VaultRecord, at now: Timestamp) throws {
        let name = try ObjectName(key.name)
        guard try objectIfAny(.certificates, name, in: vault) == nil else { return }
        var shown = key
        shown.sealedKey = ""
        shown.tokenKey = nil
        shown.isEnabled = false
        try add(shown, in: vault, at: now)
        try add(
            SecretVersionRecord(
                name: key.name, version: key.version, isManaged: true, sealedValue: "", contentType: contentType, created: now, updated: now,
                isEnabled: false, notBefore: nil, expires: nil, tags: key.tags, previousVersion: nil),
            in: vault, at: now)
    }

    /// Takes back what ``showPending(_:contentType:in:at:)`` showed, for the certificate has come or never will.
    func hidePending(_ name: ObjectName, in vault: VaultRecord) throws {
        guard try objectIfAny(.certificates, name, in: vault) == nil else { return }
        for kind in [ObjectKind.keys, .secrets] {
            guard try objectIfAny(kind, name, in: vault)?.isManaged == true else { continue }
            let path = ObjectRecord.path(name, in: vault)
            try remove(path, in: kind.collection, if: .any)
            try removeAll(in: kind.versionsCollection, prefix: "\(path)/")
        }
    }

    /// Gives up the pending key of an operation that is over, if it is in the token and no version's.
    func releaseTokenKey(of operation: CertificateOperation) throws {
        guard let id = operation.tokenKey?.tokenKey, operation.isKeyReused != true else { return }
        try put(UnusedTokenKey(id: id, due: Timestamp(seconds: 0)), id, in: UnusedTokenKey.collection)
    }
}
