import CofferCore
import CofferModel
import CofferPlatform

extension ReadTransaction {
    /// - Throws: ``APIError/noVault(at:)`` if the vault was deleted or purged since it was looked up.
    func checkInUse(_ vault: VaultRecord, at now: Timestamp) throws {
        guard let name = VaultName(vault.name), let stored = try self.vault(named: name, at: now),
            stored.instance == vault.instance, stored.deletion == nil
        else { throw APIError.noVault(at: vault.name) }
    }

    /// The object in use that has a name, or nil.
    func objectIfAny(_ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord) throws -> ObjectRecord? {
        try value(ObjectRecord.self, ObjectRecord.path(name, in: vault), in: kind.collection)?.value
    }

    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func object(_ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord) throws -> ObjectRecord {
        guard let object = try objectIfAny(kind, name, in: vault) else { throw APIError.notFound(kind, name.text, nil) }
        return object
    }

    /// The deleted object that has a name. One whose retention has ended is gone, even if its documents are not removed yet.
    func deletedObjectIfAny(
        _ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord, at now: Timestamp
    ) throws -> (record: ObjectRecord, deletion: Deletion)? {
        let found = try value(ObjectRecord.self, ObjectRecord.path(name, in: vault), in: kind.deletedCollection)?.value
        guard let found, let deletion = found.deletion, deletion.scheduledPurge > now else { return nil }
        return (found, deletion)
    }

    /// A version of an object in use, or its current one.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func version<V: VersionRecord>(
        _ type: V.Type, of name: ObjectName, _ version: String?, in vault: VaultRecord
    ) throws -> V {
        guard let object = try objectIfAny(V.kind, name, in: vault), let id = ObjectVersionID(version ?? object.current),
            let record = try storedVersion(V.self, of: name, id, in: vault)
        else { throw APIError.notFound(V.kind, name.text, version) }
        return record
    }

    /// A version as it is stored, its object deleted or not.
    func storedVersion<V: VersionRecord>(
        _ type: V.Type, of name: ObjectName, _ id: ObjectVersionID, in vault: VaultRecord
    ) throws -> V? {
        try value(V.self, V.path(id, of: name, in: vault), in: V.kind.versionsCollection)?.value
    }

    /// All versions of an object, its object deleted or not, in order of their ids.
    func storedVersions<V: VersionRecord>(_ type: V.Type, of name: ObjectName, in vault: VaultRecord) throws -> [V] {
        try values(V.self, in: V.kind.versionsCollection, prefix: "\(ObjectRecord.path(name, in: vault))/")
    }

    /// The current versions of up to `limit` objects in use after the one named `mark`, in order of name.
    func currentVersions<V: VersionRecord>(
        _ type: V.Type, in vault: VaultRecord, after mark: ObjectName?, limit: Int
    ) throws -> ObjectPage<V> {
        let page = try objects(in: V.kind.collection, of: vault, after: mark, limit: limit)
        let versions = try page.items.compactMap { object in
            try ObjectVersionID(object.current).flatMap {
                try storedVersion(V.self, of: try ObjectName(object.name), $0, in: vault)
            }
        }
        return ObjectPage(items: versions, next: page.next)
    }

    /// The current versions of up to `limit` deleted objects after the one named `mark`, in order of name.
    func deletedVersions<V: VersionRecord>(
        _ type: V.Type, in vault: VaultRecord, after mark: ObjectName?, limit: Int, at now: Timestamp
    ) throws -> ObjectPage<DeletedVersion<V>> {
        let page = try objects(in: V.kind.deletedCollection, of: vault, after: mark, limit: limit)
        let versions: [DeletedVersion<V>] = try page.items.compactMap { object in
            guard let deletion = object.deletion, deletion.scheduledPurge > now, let id = ObjectVersionID(object.current),
                let version = try storedVersion(V.self, of: try ObjectName(object.name), id, in: vault)
            else { return nil }
            return DeletedVersion(version: version, deletion: deletion)
        }
        return ObjectPage(items: versions, next: page.next)
    }

    /// Up to `limit` versions of an object in use after the version `mark`, in order of their ids.
    ///
    /// - Throws: ``APIError/notFound(_:_:_:)``.
    func versions<V: VersionRecord>(
        _ type: V.Type, of name: ObjectName, in vault: VaultRecord, after mark: ObjectVersionID?, limit: Int
    ) throws -> ObjectPage<V> {
        _ = try object(V.kind, name, in: vault)
        let collection = V.kind.versionsCollection
        let documents = try documents(
            in: collection, prefix: "\(ObjectRecord.path(name, in: vault))/", after: mark.map { V.path($0, of: name, in: vault) },
            limit: limit + 1)
        let versions = try documents.prefix(limit).map { document in
            guard let version = try? JSON.decode(V.self, from: document.body) else {
                throw StoreError.corrupt("\(collection)/\(document.id)")
            }
            return version
        }
        return ObjectPage(items: versions, next: documents.count > limit ? versions.last?.version : nil)
    }

    private func objects(
        in collection: String, of vault: VaultRecord, after mark: ObjectName?, limit: Int
    ) throws -> ObjectPage<ObjectRecord> {
        let documents = try documents(
            in: collection, prefix: "\(vault.instance)/", after: mark.map { ObjectRecord.path($0, in: vault) }, limit: limit + 1)
        let objects = try documents.prefix(limit).map { document in
            guard let object = try? JSON.decode(ObjectRecord.self, from: document.body) else {
                throw StoreError.corrupt("\(collection)/\(document.id)")
            }
            return object
        }
        return ObjectPage(items: objects, next: documents.count > limit ? objects.last?.name.lowercased() : nil)
    }
}

extension Store {
    /// ``ReadTransaction/version(_:of:_:in:)`` alone.
    func version<V: VersionRecord>(_ type: V.Type, of name: ObjectName, _ version: String?, in vault: VaultRecord) async throws -> V {
        try await read(answering: StoreQuestion("version", V.kind.rawValue, vault.instance, name.key, version ?? "")) {
            try $0.version(V.self, of: name, version, in: vault)
        }
    }
}

extension WriteTransaction {
    /// Enters a new version, which becomes the current one, and the object if there is none of that name. Its key in the token, if it has
    /// one, is in use from then on.
    ///
    /// - Throws: ``APIError/isDeletedButRecoverable(_:_:)``, or ``APIError/isManaged(_:_:)`` if exactly one of the object and the version
    ///   is a certificate's.
    func add<V: VersionRecord>(_ version: V, in vault: VaultRecord, at now: Timestamp) throws {
        let name = try ObjectName(version.name)
        let existing = try objectIfAny(V.kind, name, in: vault)
        if existing == nil { try makeRoom(V.kind, name, in: vault, at: now) }
        if let existing, existing.isManaged != version.isManaged { throw APIError.isManaged(V.kind, existing.name) }
        if let id = (version as? KeyVersionRecord)?.tokenKeyID { try keepTokenKey(id, at: now) }
        try put(version, version.path(in: vault), in: V.kind.versionsCollection, if: .absent)
        try put(
            ObjectRecord(name: existing?.name ?? version.name, current: version.version, isManaged: version.isManaged, deletion: nil),
            ObjectRecord.path(name, in: vault), in: V.kind.collection)
    }

    /// Replaces a version that was changed.
    func replace<V: VersionRecord>(_ version: V, in vault: VaultRecord) throws {
        try put(version, version.path(in: vault), in: V.kind.versionsCollection)
    }

    /// Makes sure that a new object may have the name, and removes what is left of one whose retention has ended.
    func makeRoom(_ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord, at now: Timestamp) throws {
        if try deletedObjectIfAny(kind, name, in: vault, at: now) != nil {
            throw APIError.isDeletedButRecoverable(kind, name.text)
        }
        try removeObject(kind, name, in: vault)
    }

    /// Removes a deleted object with all its versions.
    func removeObject(_ kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord) throws {
        let path = ObjectRecord.path(name, in: vault)
        guard try remove(path, in: kind.deletedCollection, if: .any) else { return }
        try removeAll(in: kind.versionsCollection, prefix: "\(path)/")
        if kind == .certificates, let operation = try certificateOperation(of: name, in: vault) { try releaseTokenKey(of: operation) }
        for collection in kind.companionCollections { try remove(path, in: collection, if: .any) }
    }

    /// Removes every document whose id begins with `prefix`, and gives up the keys in the token that they name.
    func removeAll(in collection: String, prefix: String) throws {
        while true {
            let documents = try documents(in: collection, prefix: prefix, after: nil, limit: 500)
            for document in documents {
                if collection == KeyVersionRecord.kind.versionsCollection { try releaseTokenKey(of: document) }
                if collection == CertificateOperation.collection, let operation = try? JSON.decode(CertificateOperation.self, from: document.body) {
                    try releaseTokenKey(of: operation)
                }
                try remove(document.id, in: collection, if: .any)
            }
            if documents.count < 500 { return }
        }
    }
}

/// A page of a list.
struct ObjectPage<Item: Sendable>: Sendable {
    let items: [Item]
    /// What the next page comes after, or nil if this is the last.
    let next: String?
}

/// The current version of a deleted object.
struct DeletedVersion<V: VersionRecord>: Sendable {
    let version: V
    let deletion: Deletion
}
