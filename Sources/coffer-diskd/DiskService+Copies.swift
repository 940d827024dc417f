import CofferBlock
import CofferCore
import CofferDiskFormat
import CofferModel
import Synchronization

/// Disks made of other disks.
extension DiskService {
    /// How long a command waits for the end of the copy that it began, in seconds: one that shares blocks needs no second command.
    private static let patience = 1

    func copy(
        _ disk: DiskID, of source: DiskID, _ layers: [DiskLayer], _ sealed: [SealedKey]
    ) throws(DiskFailure) -> DiskStatus {
        let keys = try unseal(sealed, for: disk)
        guard layers.count == keys.count else { throw DiskFailure(.badCommand, "a disk needs one data key per layer") }
        guard disk != source else { throw DiskFailure(.badCommand, "a disk cannot be made of itself") }
        try checkFit(keys)
        var full: [HeaderLayer] = []
        try format(disk) { () throws(DiskFormatError) in
            for (layer, check) in zip(layers, keys.checks(for: disk)) { full.append(try HeaderLayer(layer, check: check)) }
        }
        let wanted = full
        return try withUnit(disk) { (open) throws(DiskFailure) in
            if let job = copies[disk], job.state.phase == .copying {
                guard job.source == source, job.layers == layers else { throw DiskFailure(DiskFormatError.exists, path: "") }
                return status(of: job)
            }
            if let found = try existing(disk) {
                guard found.layers == wanted else { throw DiskFailure(DiskFormatError.exists, path: "") }
                try format(disk) { () throws(DiskFormatError) in try store.settle(disk) }
                return try status(found, open)
            }
            let checked = try begin(disk, of: source, wanted, keys)
            PosixThread.start(name: "copy") {
                checked.run()
                self.tell(of: checked)
            }
            checked.wait(seconds: Self.patience)
            return try inspectNow(disk, open)
        }
    }

    /// Begins a copy: when this returns, later writes to the source do not reach it.
    private func begin(
        _ disk: DiskID, of source: DiskID, _ layers: [HeaderLayer], _ keys: borrowing LayerKeys
    ) throws(DiskFailure) -> CopyJob {
        if copies[source]?.state.phase == .copying { throw DiskFailure(.busy, "the source is itself being copied") }
        guard !isEnding.load(ordering: .sequentiallyConsistent) else { throw DiskFailure(.busy, "coffer-diskd is ending") }
        return try withUnit(source) { (open) throws(DiskFailure) in
            let from = try header(source)
            try format(source) { () throws(DiskFormatError) in try from.prove(keys) }
            if open?.suspensionReason != nil { throw DiskFailure(.busy, "the source is suspended") }
            guard from.reencryption == nil else {
                throw DiskFailure(.busy, "the source is being re-encrypted, and can be copied when that is done")
            }
            let header: DiskHeader
            do throws(DiskFormatError) {
                header = try DiskHeader(disk: disk, byteCount: from.byteCount, generation: 1, layers: layers)
                try store.begin(disk, byteCount: from.byteCount)
            } catch {
                throw DiskFailure(error, path: store.headerPlace(of: disk))
            }
            do throws(BlockError) {
                let copy = try store.copy(from, to: disk)
                let job = CopyJob(of: source, to: header, copy: copy, store: store)
                if let open { copy.hold(open) }
                copies.add(job, for: disk)
                return job
            } catch {
                store.abandon(disk)
                throw DiskFailure(error, path: store.dataPlace(of: source))
            }
        }
    }

    /// Ends a copy in progress and forgets one that failed.
    func endCopy(_ disk: DiskID) {
        guard let job = copies[disk] else { return }
        job.copy.cancel()
        job.wait()
        copies.remove(disk)
    }

    /// A stored disk or one that is being copied. The caller holds its unit.
    func inspectNow(_ disk: DiskID, _ open: EncryptedDisk?) throws(DiskFailure) -> DiskStatus {
        if let job = copies[disk] { return status(of: job) }
        return try status(header(disk), open)
    }

    func status(of job: CopyJob) -> DiskStatus {
        let (phase, header) = job.state
        let failure: DiskFailure? = if case .failed(let failure) = phase { failure } else { nil }
        return DiskStatus(
            disk: header.disk, state: failure == nil ? .copying : .failed, byteCount: header.byteCount, allocatedByteCount: 0,
            generation: header.generation, layers: header.layers.map(\.layer), export: nil, reason: failure?.message, clientCount: 0,
            copiedByteCount: job.copy.copiedByteCount)
    }

    private func existing(_ disk: DiskID) throws(DiskFailure) -> DiskHeader? {
        do throws(DiskFormatError) {
            return try store.header(of: disk)
        } catch .notFound {
            return nil
        } catch {
            throw DiskFailure(error, path: store.headerPlace(of: disk))
        }
    }

    private func tell(of job: CopyJob) {
        let (phase, header) = job.state
        switch phase {
        case .copying: break
        case .finished: log.write("copied", [("disk", header.disk.text), ("source", job.source.text)])
        case .failed(let failure): log.write("copy-failed", [("disk", header.disk.text), ("message", failure.message)])
        }
    }
}
