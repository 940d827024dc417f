import CofferBlock
import CofferDiskFormat
import CofferModel
import CofferNBD
import CofferVhost
import Synchronization

/// Disks in use: opened and closed, stopped and revived.
extension DiskService {
    func open(_ disk: DiskID, _ sealed: [SealedKey], isReadOnly: Bool, for use: DiskUse) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if copies[disk] != nil { throw DiskFailure(.busy, "the disk is still being copied") }
            let header = try header(disk)
            if let open, reencryptions.isAlone(disk) {
                guard !isReadOnly else { throw DiskFailure(.busy, "the disk is being re-encrypted, and cannot be opened for reading only") }
                try checkStoredForm(header, use)
                reencryptions.setAlone(disk, false)
                note(use, of: disk)
                export(open, header, for: use)
                return try status(header, open)
            }
            if let open {
                guard open.isReadOnly == isReadOnly else { throw DiskFailure(.busy, "the disk is open \(open.isReadOnly ? "for reading only" : "for writing")") }
                try change(to: use, of: disk)
                return try status(header, open)
            }
            guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
            try checkStoredForm(header, use)
            let opened = try isStoredForm(use) ? openStored(header, isReadOnly: isReadOnly) : openData(header, sealed, isReadOnly: isReadOnly)
            note(use, of: disk)
            open = opened
            export(opened, header, for: use)
            startReencryption(header, opened)
            return try status(header, opened)
        }
    }

    /// Opens a disk's data with keys that its header proves. Nobody can reach it yet.
    func openData(_ header: DiskHeader, _ sealed: [SealedKey], isReadOnly: Bool) throws(DiskFailure) -> EncryptedDisk {
        let path = store.dataPlace(of: header.disk)
        let keys = try unseal(sealed.prefix(header.layers.count), for: header.disk)
        try format(header.disk) { () throws(DiskFormatError) in try header.prove(keys) }
        let target = try targetKeys(header, sealed)
        let journal = header.reencryption == nil ? nil : try journal(of: header)
        do throws(BlockError) {
            let storage = try store.open(header, isReadOnly: isReadOnly)
            // After a crash, before anybody reads a sector.
            if let journal, !journal.isSettled { try journal.replay(to: isReadOnly ? store.open(header, isReadOnly: false) : storage) }
            let done = journal?.doneByteCount ?? 0
            let opened = try EncryptedDisk(storage, byteCount: header.byteCount, keys: keys, isReadOnly: isReadOnly, engine: engine)
            if let target { try opened.beginReencryption(to: target, from: done) }
            return opened
        } catch {
            throw DiskFailure(error, path: path)
        }
    }

    /// Offers an open disk to clients.
    private func export(_ opened: EncryptedDisk, _ header: DiskHeader, for use: DiskUse) {
        let disk = header.disk
        copies.hold(opened, as: disk)
        server.add(opened, as: disk.text, isForMachine: use.isMachines)
        // Without it the disk is still served over NBD.
        do throws(BlockError) { try vhost?.add(opened, as: disk.text, serial: use == .temporary ? "coffer-temp" : nil) } catch {
            log.write("vhost-refused", [("disk", disk.text), ("reason", DiskFailure(error, path: vhost?.directory ?? "").message)])
        }
        log.write("opened", [("disk", disk.text)])
    }

    func close(_ disk: DiskID) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            if let closing = open.take() {
                closing.releaseWaiting()
                closing.meter.limiter.set(.none)
                reencryptions.end(disk)
                server.remove(disk.text)
                vhost?.remove(disk.text)
                note(nil, of: disk)
                do throws(BlockError) { try closing.close() } catch { throw DiskFailure(error, path: store.dataPlace(of: disk)) }
                log.write("closed", [("disk", disk.text)])
            }
            return try status(header(disk), nil)
        }
    }

    func suspend(_ disk: DiskID, reason: String, isWaiting: Bool) throws(DiskFailure) -> DiskStatus {
        // Writers that wait for a copy keep their keys until they have written.
        copies.cancel(of: disk)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            if reencryptions.isAlone(disk) { try closeAlone(disk, &open) }
            if let open {
                open.suspend(reason: reason, isWaiting: isWaiting)
                reencryptions.end(disk)
                log.write(isWaiting ? "paused" : "suspended", [("disk", disk.text), ("reason", reason)])
            }
            return try status(header(disk), open)
        }
    }

    func resume(_ disk: DiskID, _ sealed: [SealedKey]) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open, !reencryptions.isAlone(disk) else { throw DiskFailure(.badCommand, "the disk is not open") }
            let header = try header(disk)
            let sealed = isStoredForm(disk) ? [] : sealed
            let keys = try unseal(sealed.prefix(header.layers.count), for: disk)
            if !isStoredForm(disk) { try format(disk) { () throws(DiskFormatError) in try header.prove(keys) } }
            let target = isStoredForm(disk) ? nil : try targetKeys(header, sealed)
            do throws(BlockError) { try open.resume(with: keys, target: target) } catch { throw DiskFailure(error, path: store.dataPlace(of: disk)) }
            log.write("resumed", [("disk", disk.text)])
            startReencryption(header, open)
            return try status(header, open)
        }
    }

    func limit(_ disk: DiskID, to limits: DiskLimits) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            guard let open else { throw DiskFailure(.badCommand, "the disk is not open") }
            try hold(disk, open, to: limits)
            return try status(header(disk), open)
        }
    }

    /// Holds the clients of an open disk to limits.
    func hold(_ disk: DiskID, _ open: EncryptedDisk, to limits: DiskLimits) throws(DiskFailure) {
        guard limits.operationsPerSecond != 0, limits.bytesPerSecond != 0 else { throw DiskFailure(.badCommand, "a limit of 0 is none that I/O can end under") }
        open.meter.limiter.set(limits)
        log.write("limited", [
            ("disk", disk.text), ("operationsPerSecond", limits.operationsPerSecond.map(String.init) ?? "any"),
            ("bytesPerSecond", limits.bytesPerSecond.map(String.init) ?? "any"),
        ])
    }

    func sync() throws(DiskFailure) {
        for (disk, unit) in units.withLock({ $0 }) {
            do { try unit.open.withLock { $0 }?.sync() } catch { throw DiskFailure(error, path: store.dataPlace(of: disk)) }
        }
    }
}
