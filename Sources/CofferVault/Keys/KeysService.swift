import CofferCore
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
        try await create(name, as: wanted, in: vault, onlyIfAbsent: false)
    }

    private func create(
        _ name: ObjectName, as wanted: KeySpecification, in vault: VaultRecord, onlyIfAbsent: Bool
    ) async throws -> KeyVersionRecord {
        let version = ObjectVersionID.random()
        let made = try await material.make(wanted.kind, for: name, version, in: vault)
        return try await add(made, to: name, version, in: vault, Settings(wanted.attributes), onlyIfAbsent: onlyIfAbsent)
    }

    /// Takes a key from outside as a new key, or a new version of the key that has the name.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if it is not a key.
    func importKey(
        _ name: ObjectName, _ body: ImportKeyBody, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyVersionRecord {
        let wanted = try await material.apart { try KeyImport(body) }
        let version = ObjectVersionID.random()
        let kept = try await material.keep(wanted.key, wanted.kind, for: name, version, in: vault)
        return try await add(kept, to: name, version, in: vault, Settings(wanted.attributes))
    }

    /// Makes a key, unless there is one that has the name; that one stays as it is.
    ///
    /// - Returns: the new key, or the current version of the one that is there.
    func createIfAbsent(
        _ name: ObjectName, as wanted: KeySpecification, in vault: VaultRecord, by grant: Grant
    ) async throws -> (key: KeyVersionRecord, isNew: Bool) {
        // Looked up here because making what is not needed takes long, and again in the transaction.
        let isTaken = try await store.read { try $0.objectIfAny(.keys, name, in: vault) != nil }
        if !isTaken {
            do {
                return (try await create(name, as: wanted, in: vault, onlyIfAbsent: true), true)
            } catch is Replaced {}
        }
        return (try await version(nil, of: name, in: vault, by: grant), false)
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
        let version = ObjectVersionID.random()
        let made = try await material.make(current.kind, for: name, version, in: vault)
        var settings = Settings(.none)
        settings.operations = current.operations
        settings.tags = current.tags
        settings.lifetime = policy?.expiryTime
        do {
            return try await add(made, to: name, version, in: vault, settings, replacing: replacing ?? "")
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
        try await store.version(KeyVersionRecord.self, of: name, version, in: vault)
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

    /// What a new version is given besides its material.
    private struct Settings: Sendable {
        let attributes: KeyAttributes
        /// Nil for those that its kind has.
        var operations: [KeyOperation]?
        var tags: [String: String] = [:]
        /// How long the version lives if its attributes do not say.
        var lifetime: CalendarDuration?

        init(_ attributes: KeyAttributes) {
            self.attributes = attributes
        }
    }

    /// The version that was to be replaced is not the current one any more, or there is one where none was to be.
    private struct Replaced: Error {}

    /// - Parameters:
    ///   - replacing: What the current version must be; empty for any, nil if there need be no key.
    ///   - onlyIfAbsent: Whether there must be no key.
    private func add(
        _ material: StoredMaterial, to name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord, _ settings: Settings,
        replacing: String? = nil, onlyIfAbsent: Bool = false
    ) async throws -> KeyVersionRecord {
        let now = clock.now()
        let record = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let existing = try transaction.objectIfAny(.keys, name, in: vault)
            if onlyIfAbsent, existing != nil { throw Replaced() }
            if let replacing {
                guard let existing else { throw APIError.notFound(.keys, name.text, nil) }
                guard replacing.isEmpty || replacing == existing.current else { throw Replaced() }
            }
            var record = KeyVersionRecord(
                material, of: existing?.name ?? name.text, version, isManaged: false,
                operations: settings.operations ?? material.kind.standardOperations, tags: settings.tags, created: now)
            try record.apply(settings.attributes, at: now)
            if record.expires == nil, let lifetime = settings.lifetime {
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
