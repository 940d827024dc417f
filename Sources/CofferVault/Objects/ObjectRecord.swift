import CofferCore

/// What the versions of a key, secret or certificate have in common. The document's id is ``path(_:in:)``, in the collection that
/// ``ObjectKind`` names; a deleted object's document is in another one, so that lists and look-ups need not know of deletion.
struct ObjectRecord: Codable, Equatable, Sendable {
    /// As it was spelled at creation.
    let name: String
    /// The version that is meant where none is named: the newest.
    var current: String
    /// Whether a certificate of the same name keeps this key or secret.
    let isManaged: Bool
    /// Nil while the object is in use.
    var deletion: Deletion?

    static func path(_ name: ObjectName, in vault: VaultRecord) -> String { "\(vault.instance)/\(name.key)" }
}

/// When a vault or an object was deleted, and when it goes for good.
struct Deletion: Codable, Equatable, Sendable {
    let deleted: Timestamp
    let scheduledPurge: Timestamp

    /// - Parameter retentionDays: How long what is deleted is kept.
    init(at now: Timestamp, retentionDays: Int) {
        deleted = now
        scheduledPurge = now.adding(.seconds(Int64(retentionDays) * 86_400))
    }
}
