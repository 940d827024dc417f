import CofferModel
import CofferPlatform

/// Has the host hold attached disks to the operations and bytes a second that they are said to do, where that is wanted.
struct DiskLimiter: Sendable {
    let hosted: HostedDisks
    /// `coffer serve --enforce-disk-limits`.
    let isEnforced: Bool

    /// - Parameter status: The disk as it is at its host, open.
    /// - Throws: ``DiskFailure``.
    func hold(_ record: DiskRecord, _ status: DiskStatus) async throws -> DiskStatus {
        let wanted = isEnforced && record.isAttached ? DiskPerformance(of: record).limits : .none
        guard wanted != status.limits ?? .none else { return status }
        return try await hosted.limit(record.disk, to: wanted)
    }

    /// The same for a disk that was changed. What fails now is made good by the next look at all disks.
    func hold(_ record: DiskRecord) async {
        guard isEnforced, record.isAttached, let status = try? await hosted.find(record.disk), status.export != nil else { return }
        _ = try? await hold(record, status)
    }
}

extension DiskPerformance {
    init(of disk: DiskRecord) {
        self.init(of: disk.sku, gibibytes: DiskSize.gibibytes(of: disk.byteCount), labels: disk.labels)
    }

    /// Azure's megabytes are a million bytes.
    var limits: DiskLimits {
        DiskLimits(operationsPerSecond: UInt64(clamping: iops), bytesPerSecond: UInt64(clamping: mbps) * 1_000_000)
    }
}
