/// What a backup answers, and what a restore takes.
struct BackupView: Codable, Sendable {
    /// The text of a ``BackupBlob``.
    let value: String
}
