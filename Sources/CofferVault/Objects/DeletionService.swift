import CofferCore
import CofferModel
import CofferPlatform

/// Deletes, recovers and purges keys, secrets and certificates (contract section 1.10). The key and the secret of a certificate go and
/// come with it. Knows nothing of HTTP.
struct DeletionService: Sendable {
    let store: any Store
    let material: KeyMaterial
    let clock: any WallClock
    let bell: EventBell

    /// Deletes an object with all its versions; they come back by recovery until the vault's retention ends.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``, or ``APIError/isManaged(_:_:)`` for what belongs to a certificate.
    func delete<V: VersionRecord>(
        _ type: V.Type, _ name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> DeletedVersion<V> {
        let now = clock.now()
        let deleted = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let version = try transaction.version(V.self, of: name, nil, in: vault)
            guard !version.isManaged else { throw APIError.isManaged(V.kind, version.name) }
            let deletion = Deletion(at: now, retentionDays: vault.retentionDays)
            for kind in try transaction.kindsGoing(with: V.kind, name, in: vault) {
                try transaction.moveToDeleted(kind, name, deletion, in: vault)
            }
            return DeletedVersion(version: version, deletion: deletion)
        }
        material.forgetVersions(of: name, in: vault)
        bell.ring()
        return deleted
    }

    /// - Throws: ``APIError/deletedNotFound(_:_:)``.
    func deleted<V: VersionRecord>(
        _ type: V.Type, _ name: ObjectName, in vault: VaultRecord, by grant: Grant
    ) async throws -> DeletedVersion<V> {
        let now = clock.now()
        return try await store.read { try $0.deletedVersion(V.self, name, in: vault, at: now) }
    }

    /// Up to `limit` deleted objects after the one named `mark`, in order of name.
    func list<V: VersionRecord>(
        _ type: V.Type, in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<DeletedVersion<V>> {
        let now = clock.now()
        return try await store.read { try $0.deletedVersions(V.self, in: vault, after: mark, limit: limit, at: now) }
    }

    /// Brings a deleted object back with all its versions, under the ids that they had.
    ///
    /// - Throws: ``APIError/deletedNotFound(_:_:)``, or ``APIError/isManaged(_:_:)`` for what belongs to a certificate.
    func recover<V: VersionRecord>(_ type: V.Type, _ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> V {
        let now = clock.now()
        let recovered = try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let found = try transaction.deletedVersion(V.self, name, in: vault, at: now).version
            guard !found.isManaged else { throw APIError.isManaged(V.kind, found.name) }
            for kind in try transaction.kindsComing(with: V.kind, name, in: vault, at: now) {
                try transaction.moveBack(kind, name, in: vault)
            }
            return found
        }
        bell.ring()
        return recovered
    }

    /// Destroys a deleted object with all its versions.
    ///
    /// - Throws: ``APIError/deletedNotFound(_:_:)``, ``APIError/objectIsPurgeProtected(_:)``, or ``APIError/isManaged(_:_:)``.
    func purge<V: VersionRecord>(_ type: V.Type, _ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws {
        let now = clock.now()
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let found = try transaction.deletedVersion(V.self, name, in: vault, at: now)
            guard !found.version.isManaged else { throw APIError.isManaged(V.kind, found.version.name) }
            guard !vault.hasPurgeProtection else { throw APIError.objectIsPurgeProtected(found.deletion) }
            for kind in try transaction.kindsComing(with: V.kind, name, in: vault, at: now) {
                try transaction.removeObject(kind, name, in: vault)
            }
        }
    }

    /// Destroys an object whose retention has ended. For ``VaultKeeper``.
    ///
    /// - Returns: whether there was one.
    func purgeAtEndOfRetention(_ item: AgendaItem, in vault: VaultRecord) async throws -> Bool {
        let now = clock.now()
        let name = try ObjectName(item.name)
        return try await store.write { transaction in
            let path = ObjectRecord.path(name, in: vault)
            let found = try transaction.value(ObjectRecord.self, path, in: item.kind.deletedCollection)?.value
            guard let deletion = found?.deletion, deletion.scheduledPurge <= now else { return false }
            try transaction.removeObject(item.kind, name, in: vault)
            return true
        }
    }
}

extension ReadTransaction {
    /// - Throws: ``APIError/deletedNotFound(_:_:)``.
    fileprivate func deletedVersion<V: VersionRecord>(
        _ type: V.Type, _ name: ObjectName, in vault: VaultRecord, at now: Timestamp
    ) throws -> DeletedVersion<V> {
        guard let (record, deletion) = try deletedObjectIfAny(V.kind, name, in: vault, at: now),
            let id = ObjectVersionID(record.current), let version = try storedVersion(V.self, of: name, id, in: vault)
        else { throw APIError.deletedNotFound(V.kind, name.text) }
        return DeletedVersion(version: version, deletion: deletion)
    }

    /// The kinds under which an object of `kind` is kept: of a certificate its key and its secret too.
    fileprivate func kindsGoing(with kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord) throws -> [ObjectKind] {
        guard kind == .certificates else { return [kind] }
        return try [kind] + [.keys, .secrets].filter { try objectIfAny($0, name, in: vault)?.isManaged == true }
    }

    /// The same among deleted objects.
    fileprivate func kindsComing(
        with kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord, at now: Timestamp
    ) throws -> [ObjectKind] {
        guard kind == .certificates else { return [kind] }
        return try [kind] + [.keys, .secrets].filter { try deletedObjectIfAny($0, name, in: vault, at: now)?.record.isManaged == true }
    }
}

extension WriteTransaction {
    fileprivate func moveToDeleted(_ kind: ObjectKind, _ name: ObjectName, _ deletion: Deletion, in vault: VaultRecord) throws {
        var object = try object(kind, name, in: vault)
        object.deletion = deletion
        let path = ObjectRecord.path(name, in: vault)
        try remove(path, in: kind.collection, if: .any)
        try put(object, path, in: kind.deletedCollection)
        try schedule(AgendaItem(.purge, of: kind, name, in: vault, due: deletion.scheduledPurge))
        if kind == .keys { try append(KeyChange(kind: .deleted, scope: vault.id, key: object.name, version: nil)) }
    }

    fileprivate func moveBack(_ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord) throws {
        let path = ObjectRecord.path(name, in: vault)
        guard var object = try value(ObjectRecord.self, path, in: kind.deletedCollection)?.value else {
            throw APIError.deletedNotFound(kind, name.text)
        }
        if let deletion = object.deletion {
            try unschedule(AgendaItem(.purge, of: kind, name, in: vault, due: deletion.scheduledPurge))
        }
        object.deletion = nil
        try remove(path, in: kind.deletedCollection, if: .any)
        try put(object, path, in: kind.collection, if: .absent)
        if kind == .certificates { try scheduleLifetimeAction(of: name, in: vault) }
        guard kind == .keys else { return }
        try scheduleRotation(of: name, in: vault)
        try append(KeyChange(kind: .recovered, scope: vault.id, key: object.name, version: nil))
    }
}
