import CofferBlock
import CofferDiskFormat
import CofferModel
import CofferVhost
import CofferNBD
import Synchronization

/// What there is to be seen of disks.
extension DiskService {
    func list() throws(DiskFailure) -> DiskReply {
        let found: ShelfContents
        do { found = try store.contents() } catch { throw DiskFailure(error, path: store.place) }
        let open = units.withLock { $0 }
        var disks: [DiskStatus] = []
        for header in found.headers { disks.append(try status(header, open[header.disk]?.open.withLock { $0 })) }
        let known = Set(disks.map(\.disk))
        for job in copies.all.values where job.state.phase != .finished && !known.contains(job.state.header.disk) { disks.append(status(of: job)) }
        return .disks(disks, refused: found.refused)
    }

    /// Takes as long as reading the data, and no lock meanwhile, so that the disk can be suspended.
    func holes(_ disk: DiskID) throws(DiskFailure) -> [ByteRange] {
        let header = try header(disk)
        do throws(BlockError) { return try store.holes(of: header) } catch { throw DiskFailure(error, path: store.dataPlace(of: disk)) }
    }

    /// Takes as long as reading both disks, and no lock meanwhile.
    func changes(_ disk: DiskID, since base: DiskID) throws(DiskFailure) -> [ByteRange] {
        let (now, before) = (try header(disk), try header(base))
        do throws(BlockError) {
            return try store.changes(of: now, since: before)
        } catch {
            throw DiskFailure(error, path: store.dataPlace(of: disk))
        }
    }

    func statistics(_ disk: DiskID) throws(DiskFailure) -> DiskStatistics {
        try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open else { throw DiskFailure(.badCommand, "the disk is not open") }
            return open.meter.statistics
        }
    }

    func status(_ header: DiskHeader, _ open: EncryptedDisk?) throws(DiskFailure) -> DiskStatus {
        // One that is open only for its re-encryption is closed to everybody else.
        let reencryption = reencryptionStatus(header, open)
        let open = reencryptions.isAlone(header.disk) ? nil : open
        let reason = open?.suspensionReason
        let name = header.disk.text
        return DiskStatus(
            disk: header.disk, state: open == nil ? .closed : reason == nil ? .open : .suspended, byteCount: header.byteCount,
            allocatedByteCount: open?.allocatedByteCount ?? store.allocatedByteCount(of: header.disk),
            generation: header.generation, layers: header.layers.map(\.layer),
            export: open == nil ? nil : DiskExport(socketPath: server.path, name: name, vhostPath: vhost?.path(of: name)), reason: reason,
            clientCount: open == nil ? 0 : server.clientCount(of: name) + (vhost?.isInUse(name) == true ? 1 : 0),
            limits: (open?.meter.limiter.limits).flatMap { $0 == .none ? nil : $0 },
            reencryption: reencryption, use: open == nil ? nil : use(of: header.disk), header: isStoredForm(header.disk) ? header.bytes : nil,
            hasSilentFrontEnd: vhost?.hasSilentFrontEnd(name, for: DiskStatus.silence) == true ? true : nil)
    }
}
