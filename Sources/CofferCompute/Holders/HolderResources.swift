import CofferCore
import CofferModel

/// A holder of data keys as `coffer disk report` shows it.
struct HolderResource: Encodable, Sendable {
    let name: String
    let resourceGroup: String
    let id: String
    /// `disks`, `snapshots` or `images`.
    let kind: String
    let encryptionType: String
    let diskEncryptionSetId: String?
    /// The customer's key in use, with its version.
    let keyUrl: String?
    let keyVersion: String?
    /// All layers' keys, the one next to the guest first.
    let keys: [String]
    /// Whether it is wrapped by another version than its set's active one.
    let needsOldVersion: Bool
    /// RFC 3339.
    let lastRewrap: String?
    let timeCreated: String
    let isAttached: Bool
    let state: String
    let reason: String?

    init(_ holder: Holder) {
        let (record, status) = (holder.record, holder.status)
        let shown = record.id.shown
        name = shown == record.id ? record.id.name : "\(shown.name)/\(record.id.name)"
        resourceGroup = record.id.group ?? ""
        id = shown.text
        kind = holder.kind
        encryptionType = record.encryption.rawValue
        diskEncryptionSetId = record.set?.text
        keyUrl = holder.key?.text
        keyVersion = holder.key?.version
        keys = status?.layers.map(\.keyID) ?? []
        needsOldVersion = holder.needsOldVersion
        lastRewrap = record.lastRewrap?.description
        timeCreated = record.created.description
        isAttached = record.isAttached
        state = status?.state.rawValue ?? "missing"
        reason = status?.reason ?? record.reason
    }
}

/// An old version of a key that is still depended on.
struct NeededVersionResource: Encodable, Sendable {
    let keyUrl: String
    let holders: Int
}

/// All holders of a subscription.
struct HolderReportResource: Encodable, Sendable {
    let value: [HolderResource]
    /// Versions that are no set's active key and must not be disabled yet.
    let oldVersions: [NeededVersionResource]

    init(_ holders: [Holder]) {
        value = holders.map(HolderResource.init)
        let old = holders.filter(\.needsOldVersion).compactMap { $0.key?.text }
        oldVersions = Dictionary(grouping: old, by: \.self).map { NeededVersionResource(keyUrl: $0.key, holders: $0.value.count) }
            .sorted { $0.keyUrl < $1.keyUrl }
    }
}

/// How far a set's rotation is, as `coffer disk-encryption-set status` shows it.
struct RotationProgressResource: Encodable, Sendable {
    let name: String
    let resourceGroup: String
    let activeKeyUrl: String
    let previousKeyUrls: [String]
    let rotationToLatestKeyVersionEnabled: Bool
    let isRotating: Bool
    let holders: Int
    /// Those that are wrapped by the active key.
    let rewrapped: Int
    let oldVersions: [NeededVersionResource]
    let lastKeyRotationTimestamp: String?
    let autoKeyRotationError: RotationError?

    init(_ progress: RotationProgress) {
        let set = progress.set
        name = set.id.name
        resourceGroup = set.id.group ?? ""
        activeKeyUrl = set.activeKey.url.text
        previousKeyUrls = set.previousKeys.map(\.url.text)
        rotationToLatestKeyVersionEnabled = set.rotatesAutomatically
        isRotating = !set.previousKeys.isEmpty
        holders = progress.holders.count
        rewrapped = progress.holders.count { $0.key == set.activeKey.url }
        oldVersions = progress.needed.map { NeededVersionResource(keyUrl: $0.url.text, holders: $0.count) }
        lastKeyRotationTimestamp = set.lastRotation?.description
        autoKeyRotationError = set.rotationError
    }
}

/// What depends on a key, as `coffer key impact` shows it.
struct KeyImpactResource: Encodable, Sendable {
    struct Version: Encodable, Sendable {
        let keyUrl: String
        let isEnabled: Bool?
        /// RFC 3339.
        let expires: String?
        let problem: String?
    }

    struct Affected: Encodable, Sendable {
        let kind: String
        let name: String
        let resourceGroup: String
        let id: String
        let keyUrl: String
        let effect: String
    }

    let versions: [Version]
    let value: [Affected]

    init(_ impact: KeyImpact, of key: KeyReference) {
        versions = impact.versions.map { version in
            Version(
                keyUrl: version.url.text, isEnabled: version.status?.isEnabled, expires: version.status?.expires?.description,
                problem: version.problem)
        }
        let sets = impact.sets.flatMap { set in
            set.keys.filter { key.matches($0.url) }.map { used in
                Affected(
                    kind: EncryptionSetsRoutes.type, name: set.id.name, resourceGroup: set.id.group ?? "", id: set.id.text,
                    keyUrl: used.url.text,
                    effect: used == set.activeKey ? "no disk, snapshot or image can be made with it" : "its rotation cannot come to its end")
            }
        }
        let holders = impact.holders.map { holder in
            let row = HolderResource(holder)
            return Affected(
                kind: row.kind, name: row.name, resourceGroup: row.resourceGroup, id: row.id, keyUrl: row.keyUrl ?? "",
                effect: holder.lossEffect)
        }
        value = sets + holders
    }
}

extension Holder {
    /// What the loss of its key means.
    var lossEffect: String {
        guard record.isAttached else { return kind == DisksRoutes.type ? "cannot be attached" : "nothing can be made of it" }
        guard let policy = try? KeyLossPolicy(tags: set?.tags ?? [:]) else { return "its I/O stops" }
        switch policy.reaction {
        case .keep: return "goes on until it is detached"
        case .stop, .pause:
            let what = policy.reaction == .stop ? "its I/O stops" : "its I/O waits"
            return policy.delay == .zero ? "\(what) at once" : "\(what) after \(policy.delay.components.seconds) s"
        }
    }
}
