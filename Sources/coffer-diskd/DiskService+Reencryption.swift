import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel
import Synchronization

/// New data keys for disks.
extension DiskService {
    func reencrypt(
        _ disk: DiskID, to layers: [DiskLayer], _ sealed: [SealedKey], bytesPerSecond: UInt64
    ) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            var header = try header(disk)
            let target = try unseal(sealed.suffix(layers.count), for: disk, from: DiskHeader.firstTargetLayer)
            guard layers.count == target.count, layers.count > 0, sealed.count >= layers.count else { throw DiskFailure(.badCommand, "a disk needs one data key per layer") }
            try checkFit(target)
            let wanted = try fullLayers(layers, target, of: disk)
            if header.reencryption == nil, header.layers == wanted { return try status(header, open) }
            let keys = try unseal(sealed.dropLast(layers.count), for: disk)
            try format(disk) { () throws(DiskFormatError) in try header.prove(keys) }
            try checkNew(target, against: keys)
            if let job = header.reencryption {
                guard job.layers == wanted else { throw DiskFailure(.busy, "the disk is being re-encrypted already, to other keys") }
            } else {
                header = try begin(header, wanted, bytesPerSecond, open)
            }
            try work(on: header, &open, sealed)
            return try status(header, open)
        }
    }

    func continueReencryption(_ disk: DiskID, _ sealed: [SealedKey]) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            let header = try header(disk)
            guard header.reencryption != nil else { return try status(header, open) }
            try work(on: header, &open, sealed)
            return try status(header, open)
        }
    }

    func steerReencryption(_ disk: DiskID, isPaused: Bool?, bytesPerSecond: UInt64?) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            var header = try header(disk)
            guard let job = header.reencryption else { throw DiskFailure(.badCommand, "the disk is not being re-encrypted") }
            let (paused, limit) = (isPaused ?? job.isPaused, bytesPerSecond ?? job.bytesPerSecond)
            if paused != job.isPaused || limit != job.bytesPerSecond {
                try format(disk) { () throws(DiskFormatError) in
                    let steered = try header.steered(isPaused: paused, bytesPerSecond: limit)
                    try store.replaceHeader(with: steered)
                    header = steered
                }
                log.write("reencryption-steered", [("disk", disk.text), ("paused", String(paused)), ("rate", String(limit))])
            }
            reencryptions[disk]?.work.limit(to: limit)
            if paused {
                if reencryptions.isAlone(disk) { try closeAlone(disk, &open) } else { reencryptions.end(disk) }
            } else if isPaused == false, let open {
                startReencryption(header, open)
            }
            return try status(header, open)
        }
    }

    /// The keys that a disk's re-encryption leads to, proved by the header; nil if there is none.
    ///
    /// - Parameter sealed: Those of the present layers, then these.
    func targetKeys(_ header: DiskHeader, _ sealed: [SealedKey]) throws(DiskFailure) -> LayerKeys? {
        guard sealed.count == header.layers.count + (header.reencryption?.layers.count ?? 0) else {
            throw DiskFailure(.badCommand, "a disk needs one data key per layer, and while it is re-encrypted one per new layer")
        }
        guard header.reencryption != nil else { return nil }
        let target = try unseal(sealed.dropFirst(header.layers.count), for: header.disk, from: DiskHeader.firstTargetLayer)
        try format(header.disk) { () throws(DiskFormatError) in try header.proveTarget(target) }
        return target
    }

    /// Starts the work on an open disk, unless it is at work, paused, or there is none.
    func startReencryption(_ header: DiskHeader, _ open: EncryptedDisk) {
        guard let settings = header.reencryption, !settings.isPaused, !open.isReadOnly, open.isReencrypting else { return }
        if reencryptions[header.disk]?.state == .running { return }
        let journal: ReencryptionJournal
        do {
            journal = try self.journal(of: header)
        } catch {
            log.write("reencryption-failed", [("disk", header.disk.text), ("message", error.message)])
            return
        }
        let work = Reencryption(open, journal: journal, bytesPerSecond: settings.bytesPerSecond)
        let job = ReencryptionJob(header.disk, work, path: store.dataPlace(of: header.disk))
        reencryptions.add(job)
        log.write("reencryption-goes-on", [("disk", header.disk.text), ("from", String(open.reencryptedByteCount))])
        PosixThread.start(name: "reencrypt") {
            job.run()
            self.conclude(job)
        }
    }

    /// Closes a disk that is open for its re-encryption alone.
    func closeAlone(_ disk: DiskID, _ open: inout EncryptedDisk?) throws(DiskFailure) {
        reencryptions.end(disk)
        guard let closing = open.take() else { return }
        do throws(BlockError) { try closing.close() } catch { throw DiskFailure(error, path: store.dataPlace(of: disk)) }
    }

    /// How far a disk's re-encryption is; nil if there is none. The caller holds its unit.
    func reencryptionStatus(_ header: DiskHeader, _ open: EncryptedDisk?) -> DiskReencryptionStatus? {
        guard let settings = header.reencryption else { return nil }
        let done = open?.isReencrypting == true
            ? open?.reencryptedByteCount : (try? journal(of: header, isReadOnly: true))?.doneByteCount
        var reason: String?
        let state: DiskReencryptionStatus.State
        switch reencryptions[header.disk]?.state {
        case .running: state = .running
        case .failed(let failure): (state, reason) = (.failed, failure.message)
        // All is done, and the header is about to say so.
        case .ended(.complete): state = .running
        case .ended(.stopped), nil: state = settings.isPaused ? .paused : .waiting
        }
        return DiskReencryptionStatus(
            state: state, layers: settings.layers.map(\.layer), doneByteCount: min(done ?? 0, header.byteCount),
            bytesPerSecond: settings.bytesPerSecond, reason: reason)
    }

    /// What follows when a job's thread has ended: a header with the new layers alone, or nothing.
    private func conclude(_ job: ReencryptionJob) {
        do throws(DiskFailure) {
            try withUnit(job.disk) { (open) throws(DiskFailure) in
                // Otherwise the disk was closed meanwhile, or another job has taken up the work.
                guard reencryptions[job.disk] === job, let disk = open else { return }
                if job.state == .ended(.complete) {
                    let header = try header(job.disk)
                    // It may have grown since.
                    guard disk.reencryptedByteCount >= header.byteCount else { return startReencryption(header, disk) }
                    do throws(DiskFailure) { try finish(header, disk) } catch { job.fail(error) }
                }
                if case .failed(let failure) = job.state {
                    log.write("reencryption-failed", [("disk", job.disk.text), ("message", failure.message)])
                } else {
                    reencryptions.forget(job.disk)
                }
                // No data key stays in memory for nobody.
                guard reencryptions.isAlone(job.disk) else { return }
                reencryptions.setAlone(job.disk, false)
                open = nil
                do throws(BlockError) { try disk.close() } catch { throw DiskFailure(error, path: store.dataPlace(of: job.disk)) }
            }
        } catch {
            log.write("reencryption-failed", [("disk", job.disk.text), ("message", error.message)])
        }
    }

    private func finish(_ header: DiskHeader, _ disk: EncryptedDisk) throws(DiskFailure) {
        do throws(DiskFormatError) {
            _ = try store.endReencryption(of: header)
        } catch {
            // What is left then is taken away at the next start.
            guard let now = try? store.header(of: header.disk), now.reencryption == nil else {
                throw DiskFailure(error, path: store.headerPlace(of: header.disk))
            }
        }
        do throws(BlockError) { try disk.endReencryption() } catch .suspended {} catch {
            throw DiskFailure(error, path: store.dataPlace(of: header.disk))
        }
        log.write("reencrypted", [("disk", header.disk.text)])
    }

    /// Writes a header with both sets of layers.
    private func begin(
        _ header: DiskHeader, _ layers: [HeaderLayer], _ bytesPerSecond: UInt64, _ open: EncryptedDisk?
    ) throws(DiskFailure) -> DiskHeader {
        let disk = header.disk
        if copies[disk] != nil || copies.isCopying(disk) { throw DiskFailure(.busy, "the disk is being copied") }
        if open?.isReadOnly == true { throw DiskFailure(.busy, "the disk is open for reading only") }
        if isStoredForm(disk) {
            throw DiskFailure(.busy, "the disk is encrypted by the host of a virtual machine: deallocate the virtual machine first")
        }
        if open?.suspensionReason != nil { throw DiskFailure(.busy, "the disk is suspended") }
        guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
        var begun = header
        try format(disk) { () throws(DiskFormatError) in
            let job = try HeaderReencryption(
                job: SecureRandom.bytes(HeaderReencryption.jobByteCount), bytesPerSecond: bytesPerSecond, layers: layers)
            begun = try store.beginReencryption(of: header, job)
        }
        log.write("reencryption-began", [("disk", disk.text), ("layers", String(layers.count))])
        return begun
    }

    /// Has the work on a disk go on, which is opened for it alone if nobody has it open. One that is paused is left alone.
    private func work(on header: DiskHeader, _ open: inout EncryptedDisk?, _ sealed: [SealedKey]) throws(DiskFailure) {
        guard header.reencryption?.isPaused == false else { return }
        if open == nil {
            guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
            open = try openData(header, sealed, isReadOnly: false)
            reencryptions.setAlone(header.disk, true)
        }
        guard let open else { return }
        // It begins while the disk is in use.
        if !open.isReencrypting, let target = try targetKeys(header, sealed) {
            do throws(BlockError) { try open.beginReencryption(to: target, from: 0) } catch {
                throw DiskFailure(error, path: store.dataPlace(of: header.disk))
            }
        }
        startReencryption(header, open)
    }

    func journal(of header: DiskHeader, isReadOnly: Bool = false) throws(DiskFailure) -> ReencryptionJournal {
        let path = store.journalPlace(of: header.disk)
        do throws(BlockError) {
            let found = try ReencryptionJournal(
                store.openJournal(of: header.disk, isReadOnly: isReadOnly), disk: header.disk, job: header.reencryption?.job ?? [],
                byteCount: header.byteCount)
            if let found { return found }
        } catch {
            throw DiskFailure(error, path: path)
        }
        throw DiskFailure(.journalDamaged("it has no valid record of this job"), path: path)
    }

    private func fullLayers(_ layers: [DiskLayer], _ keys: borrowing LayerKeys, of disk: DiskID) throws(DiskFailure) -> [HeaderLayer] {
        var full: [HeaderLayer] = []
        try format(disk) { () throws(DiskFormatError) in
            for (layer, check) in zip(layers, keys.checks(for: disk)) { full.append(try HeaderLayer(layer, check: check)) }
        }
        return full
    }

    /// Refuses a key that the disk has already: its data would not be under a new one.
    private func checkNew(_ target: borrowing LayerKeys, against present: borrowing LayerKeys) throws(DiskFailure) {
        var isOld = false
        for layer in 0..<present.count {
            isOld = isOld || target.withInner { present.holds($0, asLayer: layer) } ?? false || target.withOuter { present.holds($0, asLayer: layer) } ?? false
        }
        if isOld { throw DiskFailure(.badCommand, "a re-encryption needs new data keys") }
    }
}
