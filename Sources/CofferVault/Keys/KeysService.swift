import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Makes, lists and changes the keys of a vault. Knows nothing of HTTP.
struct KeysService: Sendable {
    let store: any Store
    let material: KeyMaterial
    let clock: any WallClock
    let bell: EventBell

    /// Makes a key, or a new version of the key that has the name, which becomes the current one.
    func create(
        _ name: KeyName, as wanted: KeySpecification, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        try await add(
            to: name, in: vault,
            Template(
                bits: wanted.bits, operations: wanted.attributes.operations ?? KeyOperation.allCases,
                tags: wanted.attributes.tags ?? [:], attributes: wanted.attributes))
    }

    /// Makes a new version with material of the same kind, the same operations and the same tags. It is enabled, whatever
    /// the version before it was, and has no dates.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func rotate(_ name: KeyName, in vault: VaultRecord, by grant: Grant) async throws -> KeyVersionRecord {
        let current = try await store.read { try $0.keyVersion(name, nil, in: vault) }
        return try await add(
            to: name, in: vault,
            Template(
                bits: current.bits, operations: current.operations, tags: current.tags,
                attributes: try KeyAttributes(nil, operations: nil, tags: nil)),
            mustExist: true)
    }

    /// A key's version, or its current one.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func version(
        _ version: String?, of name: KeyName, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        try await store.read { try $0.keyVersion(name, version, in: vault) }
    }

    /// Changes a version's attributes, operations or tags; never its material.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func update(
        _ version: String?, of name: KeyName, with attributes: KeyAttributes, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        let now = clock.now()
        let updated = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            var record = try transaction.keyVersion(name, version, in: vault)
            try record.apply(attributes, at: now)
            try transaction.put(record, record.path(in: vault), in: KeyVersionRecord.collection)
            if attributes.changesUse {
                try transaction.append(
                    KeyChange(kind: .attributes, scope: vault.id, key: record.name, version: record.version))
            }
            return record
        }
        if !updated.isEnabled { material.forget(updated, in: vault) }
        if attributes.changesUse { bell.ring() }
        return updated
    }

    /// The current versions of up to `limit` keys after the one named `mark`, in order of name.
    func keys(
        in vault: VaultRecord, after mark: KeyName?, limit: Int, by grant: Grant
    ) async throws -> KeyPage {
        try await store.read { transaction in
            let documents = try transaction.documents(
                in: KeyRecord.collection, prefix: "\(vault.instance)/", after: mark.map { KeyRecord.path($0, in: vault) },
                limit: limit + 1)
            let keys = try documents.prefix(limit).map { document in
                guard let key = try? JSON.decode(KeyRecord.self, from: document.body) else {
                    throw StoreError.corrupt("\(KeyRecord.collection)/\(document.id)")
                }
                return try transaction.keyVersion(try KeyName(key.name), nil, in: vault)
            }
            return KeyPage(versions: keys, next: documents.count > limit ? keys.last?.name.lowercased() : nil)
        }
    }

    /// Up to `limit` versions of a key after the version `mark`, in order of their ids.
    ///
    /// - Throws: ``APIError/keyNotFound(_:_:)``.
    func versions(
        of name: KeyName, in vault: VaultRecord, after mark: KeyVersionID?, limit: Int, by grant: Grant
    ) async throws -> KeyPage {
        try await store.read { transaction in
            _ = try transaction.key(name, in: vault)
            let documents = try transaction.documents(
                in: KeyVersionRecord.collection, prefix: "\(KeyRecord.path(name, in: vault))/",
                after: mark.map { KeyVersionRecord.path($0, of: name, in: vault) }, limit: limit + 1)
            let versions = try documents.prefix(limit).map { document in
                guard let version = try? JSON.decode(KeyVersionRecord.self, from: document.body) else {
                    throw StoreError.corrupt("\(KeyVersionRecord.collection)/\(document.id)")
                }
                return version
            }
            return KeyPage(versions: versions, next: documents.count > limit ? versions.last?.version : nil)
        }
    }

    /// What a new version is made after.
    private struct Template: Sendable {
        let bits: Int
        let operations: [KeyOperation]
        let tags: [String: String]
        let attributes: KeyAttributes
    }

    private func add(
        to name: KeyName, in vault: VaultRecord, _ template: Template, mustExist: Bool = false
    ) async throws -> KeyVersionRecord {
        let version = KeyVersionID.random()
        let made = try await material.make(
            bits: template.bits, realm: vault.sealRealm, sealName: "keys/\(name.key)/\(version.text)")
        let now = clock.now()
        let record = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let path = KeyRecord.path(name, in: vault)
            let existing = try transaction.value(KeyRecord.self, path, in: KeyRecord.collection)?.value
            if mustExist, existing == nil { throw APIError.keyNotFound(name.text, nil) }
            var record = KeyVersionRecord(
                name: existing?.name ?? name.text, version: version.text, type: "RSA", bits: made.key.bits,
                modulus: Base64URL.encode(made.key.modulus), exponent: Base64URL.encode(made.key.exponent),
                sealedKey: Base64URL.encode(made.sealed), created: now, updated: now, operations: template.operations,
                isEnabled: true, notBefore: nil, expires: nil, tags: template.tags)
            try record.apply(template.attributes, at: now)
            try transaction.put(record, record.path(in: vault), in: KeyVersionRecord.collection, if: .absent)
            try transaction.put(KeyRecord(name: record.name, current: record.version), path, in: KeyRecord.collection)
            try transaction.append(
                KeyChange(kind: .newVersion, scope: vault.id, key: record.name, version: record.version))
            return record
        }
        bell.ring()
        return record
    }
}

/// A page of a list of keys or versions.
struct KeyPage: Sendable {
    let versions: [KeyVersionRecord]
    /// What the next page comes after, or nil if this is the last.
    let next: String?
}

extension ReadTransaction {
    /// - Throws: ``APIError/noVault(at:)`` if the vault was deleted or purged since it was looked up.
    fileprivate func checkInUse(_ vault: VaultRecord, at now: Timestamp) throws {
        guard let name = VaultName(vault.name), let stored = try self.vault(named: name, at: now),
            stored.instance == vault.instance, stored.deletion == nil
        else { throw APIError.noVault(at: vault.name) }
    }
}
