@testable import CofferBlock
import CofferCore
@testable import CofferDiskFormat
import CofferModel
import CofferTesting
import Foundation

/// A disk with the journal of a re-encryption beside it.
final class ReencryptedDisk: Sendable {
    let disk: TestDisk
    let targetLayers: Int
    let jobID = [UInt8](repeating: 5, count: 16)
    let directory: String

    init(sectorCount: Int, layers: Int, targetLayers: Int) throws {
        disk = try TestDisk(byteCount: UInt64(sectorCount) * 4096, layers: layers)
        self.targetLayers = targetLayers
        directory = disk.directory
        let first = try JournalRecord(disk: TestDisk.id, job: jobID, sequence: 0, offset: 0)
        try Data(first.bytes()).write(to: URL(filePath: journalPath))
    }

    var journalPath: String { "\(directory)/journal" }

    static func keys(_ count: Int) -> LayerKeys {
        count == 1
            ? LayerKeys(inner: TestDisk.key(step: 13, start: 1))
            : LayerKeys(inner: TestDisk.key(step: 13, start: 1), outer: TestDisk.key(step: 17, start: 9))
    }

    /// Writes to every sector but the second half of each eight, to parts of some, and makes a long hole.
    ///
    /// - Returns: What the disk holds.
    func fill() throws -> [UInt8] {
        let opened = try disk.open()
        let channel = try opened.makeChannel()
        let size = Int(disk.header.byteCount)
        var random = SeededRandom(seed: 7)
        for sector in 0..<size / 4096 where !isHole(sector) {
            let count = sector % 3 == 0 ? 4096 : Int.random(in: 1...4096, using: &random)
            try channel.write((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, at: UInt64(sector * 4096))
        }
        let bytes = try channel.read(size, at: 0)
        try opened.close()
        return bytes
    }

    func fillAll() throws {
        let opened = try disk.open()
        try opened.makeChannel().write([UInt8](repeating: 1, count: Int(disk.header.byteCount)), at: 0)
        try opened.close()
    }

    private func isHole(_ sector: Int) -> Bool { sector % 8 >= 4 || (16..<40).contains(sector) }

    var holes: [ByteRange] {
        var ranges: [ByteRange] = []
        for sector in 0..<Int(disk.header.byteCount / 4096) where isHole(sector) {
            ByteRange(offset: UInt64(sector * 4096), length: 4096).append(to: &ranges)
        }
        return ranges
    }

    func journal(job: [UInt8]? = nil, byteCount: UInt64? = nil) throws -> ReencryptionJournal? {
        try ReencryptionJournal(
            DataFile(path: journalPath, isReadOnly: false), disk: TestDisk.id, job: job ?? jobID, byteCount: byteCount ?? disk.header.byteCount)
    }

    /// Opens the disk as a host does: what was in flight is written again first.
    func open() throws -> EncryptedDisk {
        let found = try journal()
        guard let found else { throw DiskFormatError.journalDamaged("a test's journal has no record") }
        try found.replay(to: DataFile(path: disk.path, isReadOnly: false))
        let opened = try disk.open()
        try opened.beginReencryption(to: Self.keys(targetLayers), from: found.doneByteCount)
        return opened
    }

    func openTarget() throws -> EncryptedDisk {
        try EncryptedDisk(DataFile(path: disk.path, isReadOnly: false), byteCount: disk.header.byteCount, keys: Self.keys(targetLayers), isReadOnly: false)
    }

    func job(
        on disk: EncryptedDisk, sectorsPerWindow: Int = 16, bytesPerSecond: UInt64 = 0, byteCount: UInt64? = nil,
        observe: @escaping (Reencryption.Step) -> Void = { _ in }
    ) throws -> Reencryption {
        guard let journal = try journal(byteCount: byteCount) else { throw DiskFormatError.journalDamaged("a test's journal has no record") }
        return Reencryption(disk, journal: journal, bytesPerSecond: bytesPerSecond, sectorsPerWindow: sectorsPerWindow, observe: observe)
    }
}
