import CofferCore
import CofferCrypto
package import CofferModel

/// One record of the journal of a re-encryption: everything below ``offset`` is under the new keys, on stable storage; and, if it has
/// a window, what the window's sectors are to be.
///
/// The journal is a file of two slots that are written in turn, so that a record that was cut short leaves the one before it. A record is
/// written before its window is touched, and a window's sectors belong to nobody else until the next record is on stable storage:
/// writing the window of the newest valid record again is always right. docs/formats/disk.md is normative for the bytes.
package struct JournalRecord: Equatable, Sendable {
    /// Sectors of a window at most.
    package static let maximumSectorCount = 256
    /// Bytes of a record before its sectors.
    package static let headByteCount = 4096
    /// Bytes of a slot.
    package static let slotByteCount = headByteCount + maximumSectorCount * DiskHeader.sectorByteCount
    /// Bytes of a journal.
    package static let fileByteCount = 2 * slotByteCount

    package let disk: DiskID
    /// The job's id in the header.
    package let job: [UInt8]
    /// Counts the records of a job, from 0.
    package let sequence: UInt64
    /// In bytes, a multiple of 4096: where the window begins.
    package let offset: UInt64
    /// For each sector of the window whether it holds data; the others were never written and stay so.
    package let isWritten: [Bool]

    /// - Throws: ``DiskFormatError/invalid(_:)`` if a value is out of its range.
    package init(disk: DiskID, job: [UInt8], sequence: UInt64, offset: UInt64, isWritten: [Bool] = []) throws(DiskFormatError) {
        guard job.count == HeaderReencryption.jobByteCount else { throw .invalid("a job's id has \(HeaderReencryption.jobByteCount) bytes") }
        guard offset % UInt64(DiskHeader.sectorByteCount) == 0, offset <= DiskHeader.maximumByteCount else {
            throw .invalid("a window begins at a sector of a disk")
        }
        guard isWritten.count <= Self.maximumSectorCount, isWritten.last != false else {
            throw .invalid("a window has up to \(Self.maximumSectorCount) sectors and ends with one that holds data")
        }
        (self.disk, self.job, self.sequence, self.offset, self.isWritten) = (disk, job, sequence, offset, isWritten)
    }

    /// Bytes of the window, with the sectors that hold no data.
    package var windowByteCount: Int { isWritten.count * DiskHeader.sectorByteCount }
    /// Bytes of the sectors that hold data, which follow the head one after the other.
    package var dataByteCount: Int { isWritten.count { $0 } * DiskHeader.sectorByteCount }
    /// Where the slot of the record begins in the journal, in bytes.
    package var place: UInt64 { Self.place(ofSlot: Int(truncatingIfNeeded: sequence % 2)) }

    /// Where a slot begins in the journal, in bytes.
    package static func place(ofSlot slot: Int) -> UInt64 { UInt64(slot) * UInt64(slotByteCount) }

    // Offset  Bytes  Field, big-endian
    //      0      8  magic "COFFERRJ"
    //      8      4  version, 1
    //     12     16  disk id
    //     28     16  job id
    //     44      8  sequence
    //     52      8  offset in bytes
    //     60      4  sectors of the window, 0 to 256
    //     64     32  a bit for each sector that holds data, the lowest bit of the first byte for the first
    //     96   3968  zeros
    //   4064     32  SHA-256 of the record, with zeros here
    private static let magic = Array("COFFERRJ".utf8)
    private static let version: UInt32 = 1
    private static let checksum = headByteCount - 32..<headByteCount

    /// Writes the head of the record before the sectors of its window, which follow already.
    ///
    /// - Parameter record: The whole record, ``headByteCount`` and ``dataByteCount`` bytes.
    package func seal(_ record: UnsafeMutableRawBufferPointer) {
        var head = ByteWriter()
        head.write(Self.magic)
        head.write(Self.version)
        head.write(disk.bytes)
        head.write(job)
        head.write(sequence)
        head.write(offset)
        head.write(UInt32(truncatingIfNeeded: isWritten.count))
        for start in stride(from: 0, to: Self.maximumSectorCount, by: 8) {
            let bits = (start..<min(start + 8, max(start, isWritten.count))).map { isWritten[$0] ? UInt8(1) << UInt8($0 % 8) : 0 }
            head.write(bits.reduce(0, |))
        }
        head.write([UInt8](repeating: 0, count: Self.headByteCount - head.bytes.count))
        unsafe record.copyBytes(from: head.bytes)
        let digest = unsafe DigestAlgorithm.sha256.hash(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(record)))
        unsafe UnsafeMutableRawBufferPointer(rebasing: record[Self.checksum]).copyBytes(from: digest)
    }

    /// The record as bytes, with the sectors of its window.
    package func bytes(_ data: [UInt8] = []) -> [UInt8] {
        var record = [UInt8](repeating: 0, count: Self.headByteCount) + data
        unsafe record.withUnsafeMutableBytes { unsafe seal($0) }
        return record
    }

    /// Reads the record at the beginning of a slot. Never traps, whatever the bytes.
    ///
    /// - Returns: nil unless there is one in full; otherwise also the sectors of its window that hold data.
    package static func read(_ slot: [UInt8]) -> (record: JournalRecord, data: [UInt8])? {
        guard let record = try? parse(slot), slot.count >= headByteCount + record.dataByteCount else { return nil }
        let data = Array(slot[headByteCount..<headByteCount + record.dataByteCount])
        guard record.bytes(data).prefix(headByteCount).elementsEqual(slot.prefix(headByteCount)) else { return nil }
        return (record, data)
    }

    private static func parse(_ slot: [UInt8]) throws -> JournalRecord? {
        var reader = ByteReader(slot)
        guard try reader.read(magic.count) == magic, try reader.uint32() == version, let disk = DiskID(bytes: try reader.read(16)) else {
            return nil
        }
        let job = try reader.read(HeaderReencryption.jobByteCount)
        let sequence = try reader.uint64()
        let offset = try reader.uint64()
        let count = try Int(reader.uint32())
        guard count <= maximumSectorCount else { return nil }
        let bits = try reader.read(maximumSectorCount / 8)
        let isWritten = (0..<count).map { bits[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        return try JournalRecord(disk: disk, job: job, sequence: sequence, offset: offset, isWritten: isWritten)
    }
}
