import CofferDiskFormat
import Glibc

/// Brings the data of an open disk from its old keys to new ones, window by window from the start, while the disk is in use.
///
/// A window is held alone while its new ciphertext goes to the journal, then in place, each on stable storage, and until the next record
/// says so: what the journal has at a crash is always right to write again. Sectors that were never written stay so and cost nothing.
@safe
package final class Reencryption: @unchecked Sendable {
    // SAFETY: all but `pace`, which has a lock of its own, is touched only by the thread of `run()`.
    /// Points between which a crash makes a difference, for tests.
    enum Step: CaseIterable, Sendable {
        case journaled, written, synced, settled
    }

    /// Why ``run()`` returned.
    package enum End: Equatable, Sendable {
        /// All data is under the new keys, on stable storage.
        case complete
        /// It was stopped, or the keys are gone.
        case stopped
    }

    private let disk: EncryptedDisk
    private let journal: ReencryptionJournal
    private let pace: ReencryptionPace
    private let windowByteCount: Int
    private let observe: (Step) -> Void
    /// The record of a window, and the window as it was.
    private let record: UnsafeMutableRawBufferPointer
    private let old: UnsafeMutableRawBufferPointer
    /// What the range lock knows this by, in turn. Connections count from 0 upwards.
    private var owners = [Int.max, Int.max - 1]
    /// How many holes were on stable storage when this last looked.
    private var syncedHoleCount: UInt64?
    /// Where the window begins that is done and held until the journal says so.
    private var held: UInt64?

    /// - Parameters:
    ///   - disk: After its ``EncryptedDisk/beginReencryption(to:from:)``.
    ///   - journal: Replayed.
    ///   - bytesPerSecond: How fast it may go at most; 0 for no limit.
    package convenience init(_ disk: EncryptedDisk, journal: ReencryptionJournal, bytesPerSecond: UInt64) {
        self.init(disk, journal: journal, bytesPerSecond: bytesPerSecond, sectorsPerWindow: JournalRecord.maximumSectorCount) { _ in }
    }

    init(
        _ disk: EncryptedDisk, journal: ReencryptionJournal, bytesPerSecond: UInt64, sectorsPerWindow: Int, observe: @escaping (Step) -> Void
    ) {
        self.disk = disk
        self.journal = journal
        self.observe = observe
        pace = ReencryptionPace(bytesPerSecond: bytesPerSecond)
        windowByteCount = sectorsPerWindow * DiskHeader.sectorByteCount
        unsafe record = .allocate(byteCount: JournalRecord.headByteCount + windowByteCount, alignment: 4096)
        unsafe old = .allocate(byteCount: windowByteCount, alignment: 4096)
    }

    /// Has ``run()`` return soon. Never waits.
    package func stop() { pace.stop() }

    /// Changes how fast it may go.
    package func limit(to bytesPerSecond: UInt64) { pace.limit(to: bytesPerSecond) }

    /// Works until all is done or ``stop()`` is called. A disk that grows meanwhile is done to its new end.
    ///
    /// - Throws: ``BlockError``: what failed was undone, and a later try goes on from there. Where not even that was possible, I/O to that
    ///   window fails with ``BlockError/writesLost`` until the disk is opened anew.
    package func run() throws(BlockError) -> End {
        // What is in doubt is neither old nor new until the journal is replayed.
        guard !disk.ranges.hasLost else { throw .writesLost }
        let channel = try disk.makeChannel()
        defer { channel.end() }
        do {
            while pace.mayGoOn, disk.watermark.byteCount < disk.byteCount {
                guard pace.count(try step(channel)) else { continue }
                try settle()
                pace.wait()
            }
        } catch .suspended {
            try settle()
            return .stopped
        } catch {
            if held != nil { try? settle() }
            throw error
        }
        try settle()
        return disk.watermark.byteCount < disk.byteCount ? .stopped : .complete
    }

    /// Does the next window.
    ///
    /// - Returns: Bytes that were re-encrypted.
    private func step(_ channel: DiskChannel) throws(BlockError) -> Int {
        let (start, end) = (disk.watermark.byteCount, disk.byteCount)
        let limit = min(end, try disk.storage.firstData(from: start, to: end) + UInt64(windowByteCount))
        disk.ranges.claim(owners[0], besides: owners[1], start, limit)
        do {
            let count = try channel.withCiphers { (ciphers) throws(BlockError) in try move(start, limit, ciphers) }
            held = start
            owners.swapAt(0, 1)
            return count
        } catch {
            disk.ranges.release(owners[0])
            throw error
        }
    }

    /// Moves the watermark over the holes from `start` on and the window behind them. `start..<limit` is held.
    ///
    /// - Throws: ``BlockError``; then all is as it was, or `start..<limit` is given up.
    private func move(_ start: UInt64, _ limit: UInt64, _ ciphers: CipherStack) throws(BlockError) -> Int {
        guard ciphers.hasSuccessor else { throw .suspended }
        // Looked for again, now that nobody writes here.
        let first = try disk.storage.firstData(from: start, to: limit)
        let isWritten = try load(first, Int(min(limit - first, UInt64(windowByteCount))))
        // A hole that is passed over must not turn out to be data under the old keys.
        if disk.storage.holeCount != syncedHoleCount { try sync() }
        let next = try journal.next(isWritten.isEmpty ? limit : first, isWritten)
        try next.forRuns { (place, count, source) throws(BlockError) in
            let run = unsafe dataOfRecord(source, count)
            unsafe run.copyMemory(from: UnsafeRawBufferPointer(rebasing: old[place..<place + count]))
            unsafe ciphers.reencrypt(run, first: (first + UInt64(place)) / UInt64(DiskHeader.sectorByteCount))
        }
        do {
            let whole = JournalRecord.headByteCount + next.dataByteCount
            try unsafe journal.append(next, UnsafeMutableRawBufferPointer(rebasing: record[..<whole]))
        } catch {
            undo(start, limit) {}
            throw error
        }
        observe(.journaled)
        // The record that lets go of the window before.
        releaseHeld()
        do {
            try store(next)
        } catch {
            undo(start, limit) { () throws(BlockError) in try putBack(next) }
            throw error
        }
        disk.watermark.move(to: next.offset + UInt64(next.windowByteCount))
        return next.dataByteCount
    }

    /// Reads a window as it is.
    ///
    /// - Returns: Which of its sectors hold data, up to the last that does.
    private func load(_ first: UInt64, _ count: Int) throws(BlockError) -> [Bool] {
        try unsafe disk.storage.read(UnsafeMutableRawBufferPointer(rebasing: old[..<count]), at: first)
        var isWritten: [Bool] = []
        for start in stride(from: 0, to: count, by: DiskHeader.sectorByteCount) {
            isWritten.append(unsafe !Zeros.fill(UnsafeRawBufferPointer(rebasing: old[start..<start + DiskHeader.sectorByteCount])))
        }
        while isWritten.last == false { isWritten.removeLast() }
        return isWritten
    }

    /// Writes the window of a record in place and has it on stable storage.
    private func store(_ next: JournalRecord) throws(BlockError) {
        guard next.dataByteCount > 0 else { return }
        try next.forRuns { (place, count, source) throws(BlockError) in
            try unsafe disk.storage.write(UnsafeRawBufferPointer(dataOfRecord(source, count)), at: next.offset + UInt64(place), isDurable: false)
        }
        observe(.written)
        try sync()
        observe(.synced)
    }

    private func sync() throws(BlockError) {
        let count = disk.storage.holeCount
        try disk.storage.sync()
        syncedHoleCount = count
    }

    /// Makes a window what it was, where it is not. Sectors that were not reached are not written: there may be no space for it.
    private func putBack(_ next: JournalRecord) throws(BlockError) {
        let size = DiskHeader.sectorByteCount
        let now = unsafe UnsafeMutableRawBufferPointer(rebasing: record[..<size])
        for (index, isWritten) in next.isWritten.enumerated() where isWritten {
            let before = unsafe UnsafeRawBufferPointer(rebasing: old[index * size..<(index + 1) * size])
            let offset = next.offset + UInt64(index * size)
            try unsafe disk.storage.read(now, at: offset)
            if unsafe !now.elementsEqual(before) { try unsafe disk.storage.write(before, at: offset, isDurable: false) }
        }
        try disk.storage.sync()
    }

    /// Takes a window back: `putBack`, and a record that says so. If that fails the window is given up, for nobody could say after a crash
    /// which of its writes came later than the journal's.
    private func undo(_ start: UInt64, _ limit: UInt64, _ putBack: () throws(BlockError) -> Void) {
        do throws(BlockError) {
            try putBack()
            try journal.settle(at: start)
        } catch {
            disk.ranges.giveUp((held ?? start)..<limit)
        }
        releaseHeld()
    }

    /// Says in the journal that nothing is in flight, and lets go of the last window.
    private func settle() throws(BlockError) {
        defer { releaseHeld() }
        do {
            try journal.settle(at: disk.watermark.byteCount)
        } catch {
            if let held { disk.ranges.giveUp(held..<disk.watermark.byteCount) }
            throw error
        }
        observe(.settled)
    }

    private func releaseHeld() {
        guard held != nil else { return }
        held = nil
        disk.ranges.release(owners[1])
    }

    private func dataOfRecord(_ source: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
        let start = JournalRecord.headByteCount + source
        return unsafe UnsafeMutableRawBufferPointer(rebasing: record[start..<start + count])
    }

    deinit {
        // Plaintext was here for a moment.
        if let base = unsafe record.baseAddress { unsafe explicit_bzero(base, record.count) }
        unsafe record.deallocate()
        unsafe old.deallocate()
    }
}
