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
        _ name: ObjectName, as wanted: KeySpecification, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        try await add(
            to: name, in: vault,
            Template(
                bits: wanted.bits, operations: wanted.attributes.operations ?? KeyOperation.allCases,
                tags: wanted.attributes.common.tags ?? [:], attributes: wanted.attributes))
    }

    /// Makes a new version with material of the same kind, the same operations and the same tags. It is enabled, whatever
    /// the version before it was, and expires as the key's rotation policy says.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, or ``APIError/isManaged(_:_:)``.
    func rotate(_ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> KeyVersionRecord {
        guard let made = try await rotate(name, in: vault, replacing: nil) else { throw APIError.notFound(.keys, name.text, nil) }
        return made
    }

    /// The same for a rotation policy.
    ///
    /// - Parameter replacing: Only if this is still the current version; nil for any.
    /// - Returns: nil if it is not.
    func rotate(_ name: ObjectName, in vault: VaultRecord, replacing: String?) async throws -> KeyVersionRecord? {
        let (current, policy) = try await store.read { transaction in
            (
                try transaction.version(KeyVersionRecord.self, of: name, nil, in: vault),
                try transaction.rotationPolicy(of: name, in: vault)
            )
        }
        guard !current.isManaged else { throw APIError.isManaged(.keys, current.name) }
        guard replacing == nil || replacing == current.version else { return nil }
        let template = Template(
            bits: current.bits, operations: current.operations, tags: current.tags, attributes: .none, lifetime: policy?.expiryTime)
        do {
            return try await add(to: name, in: vault, template, replacing: replacing ?? "")
        } catch is Replaced {
            return nil
        }
    }

    /// A key's version, or its current one.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func version(
        _ version: String?, of name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        try await store.read { try $0.version(KeyVersionRecord.self, of: name, version, in: vault) }
    }

    /// Changes a version's attributes, operations or tags; never its material.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func update(
        _ version: String?, of name: ObjectName, with attributes: KeyAttributes, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        let now = clock.now()
        let updated = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            var record = try transaction.version(KeyVersionRecord.self, of: name, version, in: vault)
            guard !record.isManaged else { throw APIError.isManaged(.keys, record.name) }
            try record.apply(attributes, at: now)
            try transaction.replace(record, in: vault)
            if attributes.changesUse { try transaction.scheduleRotation(of: name, in: vault) }
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
        in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<KeyVersionRecord> {
        try await store.read { try $0.currentVersions(KeyVersionRecord.self, in: vault, after: mark, limit: limit) }
    }

    /// Up to `limit` versions of a key after the version `mark`, in order of their ids.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func versions(
        of name: ObjectName, in vault: VaultRecord, after mark: ObjectVersionID?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<KeyVersionRecord> {
        try await store.read { try $0.versions(KeyVersionRecord.self, of: name, in: vault, after: mark, limit: limit) }
    }

    /// What a new version is made after.
    private struct Template: Sendable {
        let bits: Int
        let operations: [KeyOperation]
        let tags: [String: String]
        let attributes: KeyAttributes
        /// How long the version lives if its attributes do not say.
        var lifetime: CalendarDuration?
    }

    /// The version that was to be replaced is not the current one any more.
    private struct Replaced: Error {}

    /// - Parameter replacing: What the current version must be; empty for any, nil if there need be no key.
    private func add(
        to name: ObjectName, in vault: VaultRecord, _ template: Template, replacing: String? = nil
    ) async throws -> KeyVersionRecord {
        let version = ObjectVersionID.random()
        let made = try await material.make(
            bits: template.bits, realm: vault.sealRealm, sealName: KeyVersionRecord.sealName(version, of: name))
        let now = clock.now()
        let publicPart = PublicKeyPart(n: Base64URL.encode(made.key.modulus), e: Base64URL.encode(made.key.exponent))
        let record = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let existing = try transaction.objectIfAny(.keys, name, in: vault)
            if let replacing {
                guard let existing else { throw APIError.notFound(.keys, name.text, nil) }
                guard replacing.isEmpty || replacing == existing.current else { throw Replaced() }
            }
            var record = KeyVersionRecord(
                name: existing?.name ?? name.text, version: version.text, isManaged: false, type: "RSA", bits: made.key.bits,
                publicPart: publicPart, sealedKey: Base64URL.encode(made.sealed), created: now, updated: now, operations: template.operations,
                isEnabled: true, notBefore: nil, expires: nil, tags: template.tags)
            try record.apply(template.attributes, at: now)
            if record.expires == nil, let lifetime = template.lifetime {
                record.expires = Timestamp(seconds: now.adding(lifetime).seconds)
            }
            try transaction.add(record, in: vault, at: now)
            try transaction.scheduleRotation(of: name, in: vault)
            try transaction.append(
                KeyChange(kind: .newVersion, scope: vault.id, key: record.name, version: record.version))
            return record
        }
        bell.ring()
        return record
    }
}
