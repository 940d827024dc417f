import CofferBlock
import CofferDiskFormat
import CofferModel
import CofferNBD
import CofferVhost
import Synchronization

/// Disks in use: opened and closed, stopped and revived.
extension DiskService {
    func open(_ disk: DiskID, _ sealed: [SealedKey], isReadOnly: Bool) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if copies[disk] != nil { throw DiskFailure(.busy, "the disk is still being copied") }
            let header = try header(disk)
            if let open {
                guard open.isReadOnly == isReadOnly else { throw DiskFailure(.busy, "the disk is open \(open.isReadOnly ? "for reading only" : "for writing")") }
                return try status(header, open)
            }
            guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
            let keys = try unseal(sealed, for: disk)
            try format(disk) { () throws(DiskFormatError) in try header.prove(keys) }
            let opened: EncryptedDisk
            do throws(BlockError) {
                opened = try EncryptedDisk(header, dataPath: shelf.dataPath(of: disk), keys: keys, isReadOnly: isReadOnly, engine: engine)
            } catch {
                throw DiskFailure(error, path: shelf.dataPath(of: disk))
            }
            copies.hold(opened, as: disk)
            open = opened
            server.add(opened, as: disk.text)
            // Without it the disk is still served over NBD.
            do throws(BlockError) { try vhost.add(opened, as: disk.text) } catch {
                log.write("vhost-refused", [("disk", disk.text), ("reason", DiskFailure(error, path: vhost.directory).message)])
            }
            log.write("opened", [("disk", disk.text)])
            return try status(header, opened)
        }
    }

    func close(_ disk: DiskID) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if let closing = open.take() {
                closing.releaseWaiting()
                closing.meter.limiter.set(.none)
                server.remove(disk.text)
                vhost.remove(disk.text)
                do throws(BlockError) { try closing.close() } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
                log.write("closed", [("disk", disk.text)])
            }
            return try status(header(disk), nil)
        }
    }

    func suspend(_ disk: DiskID, reason: String, isWaiting: Bool) throws(DiskFailure) -> DiskStatus {
        // Writers that wait for a copy keep their keys until they have written.
        copies.cancel(of: disk)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            if let open {
                open.suspend(reason: reason, isWaiting: isWaiting)
                log.write(isWaiting ? "paused" : "suspended", [("disk", disk.text), ("reason", reason)])
            }
            return try status(header(disk), open)
        }
    }

    func resume(_ disk: DiskID, _ sealed: [SealedKey]) throws(DiskFailure) -> DiskStatus {
        let keys = try unseal(sealed, for: disk)
        var slot: LayerKeys? = consume keys
        return try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open else { throw DiskFailure(.badCommand, "the disk is not open") }
            let header = try header(disk)
            guard let keys = slot.take() else { throw DiskFailure(.badCommand, "there are no keys") }
            try format(disk) { () throws(DiskFormatError) in try header.prove(keys) }
            do throws(BlockError) { try open.resume(with: keys) } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
            log.write("resumed", [("disk", disk.text)])
            return try status(header, open)
        }
    }

    func limit(_ disk: DiskID, to limits: DiskLimits) throws(DiskFailure) -> DiskStatus {
        guard limits.operationsPerSecond != 0, limits.bytesPerSecond != 0 else { throw DiskFailure(.badCommand, "a limit of 0 is none that I/O can end under") }
        return try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open else { throw DiskFailure(.badCommand, "the disk is not open") }
            open.meter.limiter.set(limits)
            log.write("limited", [
                ("disk", disk.text), ("operationsPerSecond", limits.operationsPerSecond.map(String.init) ?? "any"),
                ("bytesPerSecond", limits.bytesPerSecond.map(String.init) ?? "any"),
            ])
            return try status(header(disk), open)
        }
    }

    func sync() throws(DiskFailure) {
        for (disk, unit) in units.withLock({ $0 }) {
            do { try unit.open.withLock { $0 }?.sync() } catch { throw DiskFailure(error, path: shelf.dataPath(of: disk)) }
        }
    }
}
