import CofferCore

/// A deleted object as the data plane shows it: its bundle or list item, and how long it can come back.
struct DeletedView<Bundle: Encodable & Sendable>: Encodable, Sendable {
    let bundle: Bundle
    /// `https://{host}/deletedkeys/{name}`.
    let recoveryId: String
    /// Seconds since 1970.
    let deletedDate: Int64
    let scheduledPurgeDate: Int64

    enum CodingKeys: CodingKey {
        case recoveryId
        case deletedDate
        case scheduledPurgeDate
    }

    init(_ bundle: Bundle, _ deletion: Deletion, of kind: ObjectKind, named name: String, host: String) {
        self.bundle = bundle
        recoveryId = "https://\(host)/\(kind.deletedPath)/\(name)"
        deletedDate = deletion.deleted.seconds
        scheduledPurgeDate = deletion.scheduledPurge.seconds
    }

    func encode(to encoder: any Encoder) throws {
        try bundle.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(recoveryId, forKey: .recoveryId)
        try container.encode(deletedDate, forKey: .deletedDate)
        try container.encode(scheduledPurgeDate, forKey: .scheduledPurgeDate)
    }
}
