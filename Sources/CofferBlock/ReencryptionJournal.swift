package import CofferDiskFormat
package import CofferModel

/// The journal of a disk's re-encryption, as ``JournalRecord`` has it.
///
/// One thread at a time uses it.
@safe
package final class ReencryptionJournal {
    private let storage: any JournalStorage
    /// The newest record on stable storage.
    package private(set) var newest: JournalRecord
    /// The sequence of the last record of which anything may have been written.
    private var lastSequence: UInt64
    /// The sectors of the window that was in flight when the journal was opened.
    private var data: [UInt8]

    /// Finds the newest record of the journal that is kept in `storage`.
    ///
    /// - Parameter byteCount: The disk's size.
    /// - Returns: nil if it has no valid record of this disk's job. Nobody knows then which sectors are under which keys.
    /// - Throws: ``BlockError/system(_:)`` if it cannot be read.
    package init?(_ storage: any JournalStorage, disk: DiskID, job: [UInt8], byteCount: UInt64) throws(BlockError) {
        self.storage = storage
        var found: (record: JournalRecord, data: [UInt8])?
        for slot in 0..<2 {
            guard let read = try Self.read(slot, of: storage), read.record.disk == disk, read.record.job == job,
                read.record.sequence % 2 == slot, read.record.offset + UInt64(read.record.windowByteCount) <= byteCount
            else { continue }
            if read.record.sequence >= found?.record.sequence ?? 0 { found = read }
        }
        guard let found else { return nil }
        (newest, data) = found
        lastSequence = found.record.sequence
    }

    /// Whether no window was in flight.
    package var isSettled: Bool { newest.isWritten.isEmpty }

    /// Everything below is under the new keys once the journal is replayed, in bytes.
    package var doneByteCount: UInt64 { newest.offset + UInt64(newest.windowByteCount) }

    /// Writes the window that was in flight once more into the disk's data, which makes every sector of the disk one of the old
    /// or of the new keys. To be done before any I/O; doing it twice does no harm.
    ///
    /// - Throws: ``BlockError``; then it is to be done again.
    package func replay(to target: any DiskStorage) throws(BlockError) {
        guard !isSettled else { return }
        let record = newest
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 4096)
        defer { unsafe bytes.deallocate() }
        unsafe bytes.copyBytes(from: data)
        try record.forRuns { (place, count, source) throws(BlockError) in
            let run = unsafe UnsafeRawBufferPointer(rebasing: bytes[source..<source + count])
            try unsafe target.write(run, at: record.offset + UInt64(place), isDurable: false)
        }
        try target.sync()
        try settle(at: doneByteCount)
        data = []
    }

    /// Says that everything below `offset` is done and nothing is in flight, durably.
    func settle(at offset: UInt64) throws(BlockError) {
        guard newest.offset != offset || !newest.isWritten.isEmpty || newest.sequence != lastSequence else { return }
        let head = UnsafeMutableRawBufferPointer.allocate(byteCount: JournalRecord.headByteCount, alignment: 4096)
        defer { unsafe head.deallocate() }
        try unsafe append(try next(offset, []), head)
    }

    /// Writes a record and its window, durably.
    ///
    /// - Parameters:
    ///   - record: ``next(_:_:)``'s.
    ///   - bytes: Space for the head, then the sectors of the window that hold data.
    func append(_ record: JournalRecord, _ bytes: UnsafeMutableRawBufferPointer) throws(BlockError) {
        unsafe record.seal(bytes)
        // What fails may be there all the same, and the next record must be newer.
        lastSequence = record.sequence
        try unsafe storage.write(UnsafeRawBufferPointer(bytes), at: record.place, isDurable: true)
        newest = record
    }

    /// The record that follows all that were written. Where the last one failed it goes to the same slot, for the other has the newest.
    func next(_ offset: UInt64, _ isWritten: [Bool]) throws(BlockError) -> JournalRecord {
        let (sequence, isOver) = lastSequence.addingReportingOverflow(lastSequence == newest.sequence ? 1 : 2)
        guard !isOver else { throw .outOfRange }
        do throws(DiskFormatError) {
            return try JournalRecord(disk: newest.disk, job: newest.job, sequence: sequence, offset: offset, isWritten: isWritten)
        } catch {
            throw .outOfRange
        }
    }

    private static func read(_ slot: Int, of storage: any JournalStorage) throws(BlockError) -> (record: JournalRecord, data: [UInt8])? {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: JournalRecord.slotByteCount, alignment: 4096)
        defer { unsafe bytes.deallocate() }
        try unsafe storage.read(bytes, at: JournalRecord.place(ofSlot: slot), padsEnd: true)
        return unsafe JournalRecord.read(Array(bytes))
    }
}

extension JournalRecord {
    /// Calls `body` for each run of sectors that hold data: where it is in the window, its length, and where it is among the record's
    /// sectors, in bytes.
    func forRuns(_ body: (_ place: Int, _ count: Int, _ source: Int) throws(BlockError) -> Void) throws(BlockError) {
        let size = DiskHeader.sectorByteCount
        var (start, source) = (0, 0)
        while start < isWritten.count {
            guard isWritten[start] else {
                start += 1
                continue
            }
            var end = start
            while end < isWritten.count, isWritten[end] { end += 1 }
            try body(start * size, (end - start) * size, source)
            source += (end - start) * size
            start = end
        }
    }
}
