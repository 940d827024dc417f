import CofferModel
import CofferPlatform

/// What there is to know of holders of data keys and the customers' keys that they depend on. Changes nothing.
struct HoldersService: Sendable {
    let store: any Store
    let keys: any KeyService
    let hosted: HostedDisks

    /// All holders of a subscription.
    ///
    /// - Throws: ``APIError`` if their host cannot be reached.
    func holders(in scope: ResourceID, by grant: Grant) async throws -> [Holder] {
        try await holders(in: scope).holders
    }

    /// How far a set's rotation is.
    ///
    /// - Throws: ``APIError`` if there is no such set, or the host cannot be reached.
    func progress(of id: ResourceID, by grant: Grant) async throws -> RotationProgress {
        guard let set = try await store.read({ try $0.encryptionSet(id) }) else { throw APIError.resourceNotFound(id) }
        let all = try await holders(in: ResourceID(subscription: id.subscription ?? "")).holders
        return RotationProgress(set: set, holders: all.filter { $0.record.set == id })
    }

    /// What would lose its key if `key` were disabled, deleted or expired.
    ///
    /// - Throws: ``APIError`` if the host cannot be reached.
    func impact(of key: KeyReference, in scope: ResourceID, by grant: Grant) async throws -> KeyImpact {
        let (holders, sets) = try await holders(in: scope)
        let affectedSets = sets.filter { $0.keys.contains { key.matches($0.url) } }
        let affected = holders.filter { $0.keys.contains(where: key.matches) }
        var states: [KeyImpact.Version] = []
        let urls = Set(affected.flatMap(\.keys).filter(key.matches) + affectedSets.flatMap { $0.keys.map(\.url) }.filter(key.matches))
        for url in urls.sorted(by: { $0.text < $1.text }) {
            do {
                states.append(KeyImpact.Version(url: url, status: try await keys.status(of: url, as: .platform), problem: nil))
            } catch let error as APIError {
                states.append(KeyImpact.Version(url: url, status: nil, problem: error.message))
            }
        }
        return KeyImpact(versions: states, sets: affectedSets, holders: affected)
    }

    private func holders(in scope: ResourceID) async throws -> (holders: [Holder], sets: [EncryptionSetRecord]) {
        let prefix = scope.key + "/"
        let (records, sets) = try await store.read { transaction in
            (
                try transaction.values(DiskRecord.self, in: DiskRecord.collection, prefix: prefix),
                try transaction.values(EncryptionSetRecord.self, in: EncryptionSetRecord.collection, prefix: prefix)
            )
        }
        let listed = try await APIError.answering(scope) { try await hosted.list().disks }
        let statuses = Dictionary(listed.map { ($0.disk, $0) }, uniquingKeysWith: { first, _ in first })
        let setsByID = Dictionary(sets.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        return (records.map { Holder(record: $0, status: statuses[$0.disk], set: $0.set.flatMap { setsByID[$0] }) }, sets)
    }
}

/// How far a set's holders are with the set's active key.
struct RotationProgress: Sendable {
    let set: EncryptionSetRecord
    let holders: [Holder]

    /// Old versions with the number of holders that still need each, by URL.
    var needed: [(url: KeyURL, count: Int)] {
        let old = holders.filter(\.needsOldVersion).compactMap(\.key)
        return Dictionary(grouping: old, by: \.self).map { ($0.key, $0.value.count) }.sorted { $0.url.text < $1.url.text }
    }
}

/// What depends on a key.
struct KeyImpact: Sendable {
    /// A version that is depended on, and its state; without one, why there is none.
    struct Version: Sendable {
        let url: KeyURL
        let status: KeyStatus?
        let problem: String?
    }

    let versions: [Version]
    let sets: [EncryptionSetRecord]
    let holders: [Holder]
}
