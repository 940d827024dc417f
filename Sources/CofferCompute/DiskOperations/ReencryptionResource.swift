import CofferCore
import CofferModel

/// How far a disk's re-encryption is, as `coffer disk reencrypt` shows it.
struct ReencryptionResource: Encodable, Sendable {
    let name: String
    let resourceGroup: String
    let resourceId: String
    /// `running`, `paused`, `waiting` for its keys, `failed`, or `none`.
    let state: String
    /// How it is encrypted as long as not all is done.
    let encryptionType: String
    /// How it is encrypted then; only while there is a re-encryption.
    let targetEncryptionType: String?
    let sizeBytes: UInt64
    /// From the start of the disk.
    let doneBytes: UInt64?
    /// Of 100.
    let percent: Double?
    /// 0 for no limit.
    let bytesPerSecond: UInt64?
    let reason: String?
    /// RFC 3339: when an earlier one ended.
    let lastReencryption: String?

    init(_ shown: ShownReencryption) {
        let (record, job) = (shown.record, shown.status.reencryption)
        name = record.id.name
        resourceGroup = record.id.group ?? ""
        resourceId = record.id.text
        state = job?.state.rawValue ?? "none"
        encryptionType = record.encryption.rawValue
        targetEncryptionType = record.reencryption?.target.encryption.rawValue
        sizeBytes = record.byteCount
        doneBytes = job?.doneByteCount
        percent = job.map { (Double($0.doneByteCount) / Double(max(1, shown.status.byteCount)) * 1000).rounded(.down) / 10 }
        bytesPerSecond = job?.bytesPerSecond
        reason = job?.reason ?? (job == nil ? nil : record.reason)
        lastReencryption = record.lastReencryption?.description
    }
}
