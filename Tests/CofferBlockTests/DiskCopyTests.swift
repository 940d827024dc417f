@testable import CofferBlock
import CofferCore
import CofferDiskFormat
import CofferModel
import Foundation
import Synchronization
import Testing

/// Copies of disks that are written to meanwhile.
struct DiskCopyTests {
    private static let byteCount: UInt64 = 96 << 20
    /// Places of counters, in an order that a copy from the start to the end does not have.
    private static let places: [UInt64] = [byteCount - 4096, 4096, byteCount / 2, 0]

    /// Counts up at all places in turn, each acknowledged before the next, until told to end.
    private static func count(on disk: EncryptedDisk, _ counter: Counter) throws {
        let channel = try disk.makeChannel()
        defer { channel.end() }
        while !counter.isEnding.load(ordering: .relaxed) {
            let number = counter.number.load(ordering: .relaxed) + 1
            let bytes = (0..<512).flatMap { _ in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) } }
            for place in places { try channel.write(bytes, at: place) }
            counter.number.store(number, ordering: .relaxed)
        }
    }

    private static func counters(in copy: TestDisk) throws -> [UInt64] {
        let channel = try copy.open(isReadOnly: true).makeChannel()
        defer { channel.end() }
        return try places.map { place in
            let bytes = try channel.read(4096, at: place)
            #expect(stride(from: 0, to: 4096, by: 8).allSatisfy { bytes[$0..<$0 + 8] == bytes[0..<8] }, "a sector is torn")
            return bytes[0..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    @Test(arguments: [1, 2])
    func aCopyOfADiskInUseIsOfOneMoment(layers: Int) async throws {
        try await copyWhileCounting(layers: layers, under: NSTemporaryDirectory(), rounds: 12)
    }

    @Test(.enabled(if: SharingFileSystem.isAvailable, "needs root, to mount a file system whose files share blocks"))
    func soIsOneThatSharesBlocksAndItTakesNoSpace() async throws {
        let files = try #require(SharingFileSystem())
        let test = try TestDisk(byteCount: Self.byteCount, layers: 1, under: files.path)
        let channel = try test.open().makeChannel()
        for offset in stride(from: UInt64(0), to: Self.byteCount, by: 1 << 20) { try channel.write([UInt8](repeating: 9, count: 1 << 20), at: offset) }
        let before = files.freeByteCount()
        let target = try TestDisk(byteCount: Self.byteCount, layers: 1, under: files.path)
        try DiskCopy(from: test.path, to: target.path, byteCount: Self.byteCount).run()
        #expect(try target.ciphertext() == test.ciphertext())
        #expect(before - min(before, files.freeByteCount()) < 1 << 20, "the copy has blocks of its own")
        try await copyWhileCounting(layers: 1, under: files.path, rounds: 30)
    }

    private func copyWhileCounting(layers: Int, under directory: String, rounds: UInt64) async throws {
        let test = try TestDisk(byteCount: Self.byteCount, layers: layers, under: directory)
        let disk = try test.open()
        let filler = try disk.makeChannel()
        for offset in stride(from: UInt64(0), to: Self.byteCount, by: 1 << 20) { try filler.write([UInt8](repeating: 9, count: 1 << 20), at: offset) }
        let zero = [UInt8](repeating: 0, count: 4096)
        for place in Self.places { try filler.write(zero, at: place) }
        let counter = Counter()
        let pool = WorkerPool(name: "test", threads: 1)
        let writer = Task { try await pool.run { try Self.count(on: disk, counter) } }
        for round in 1...rounds {
            while counter.number.load(ordering: .relaxed) < 3 * round { await Task.yield() }
            let target = try TestDisk(byteCount: Self.byteCount, layers: layers, under: directory)
            let copy = try DiskCopy(from: test.path, to: target.path, byteCount: Self.byteCount)
            copy.hold(disk)
            try copy.run()
            #expect(copy.copiedByteCount == Self.byteCount)
            let found = try Self.counters(in: target)
            let first = try #require(found.first)
            #expect(zip(found, found.dropFirst()).allSatisfy { $0 >= $1 }, "a later write is there without an earlier one: \(found)")
            #expect(found.allSatisfy { first - $0 <= 1 }, "writes after the moment are there: \(found)")
        }
        counter.isEnding.store(true, ordering: .relaxed)
        try await writer.value
    }

    @Test func aWriteAfterTheMomentWaitsAndDoesNotReachTheCopy() async throws {
        let test = try TestDisk(byteCount: Self.byteCount, layers: 1)
        let disk = try test.open()
        let filler = try disk.makeChannel()
        for offset in stride(from: UInt64(0), to: Self.byteCount, by: 1 << 20) { try filler.write([UInt8](repeating: 9, count: 1 << 20), at: offset) }
        let target = try TestDisk(byteCount: Self.byteCount, layers: 1)
        let copy = try DiskCopy(from: test.path, to: target.path, byteCount: Self.byteCount)
        copy.hold(disk)
        let write = Task { try await WorkerPool(name: "test", threads: 1).run { try filler.write([UInt8](repeating: 8, count: 4096), at: Self.places[0]) } }
        try copy.run()
        try await write.value
        let there = try target.open(isReadOnly: true).makeChannel().read(4096, at: Self.places[0])
        #expect(there == [UInt8](repeating: 9, count: 4096), "a write after the moment reached the copy")
        #expect(try filler.read(4096, at: Self.places[0]) == [UInt8](repeating: 8, count: 4096))
    }

    @Test func aCancelledCopyHoldsNobody() async throws {
        let test = try TestDisk(byteCount: Self.byteCount, layers: 1)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        try channel.write([UInt8](repeating: 1, count: 4096), at: 0)
        let target = try TestDisk(byteCount: Self.byteCount, layers: 1)
        let copy = try DiskCopy(from: test.path, to: target.path, byteCount: Self.byteCount)
        copy.hold(disk)
        copy.cancel()
        // Where blocks are shared there is nothing to cancel.
        do { try copy.run() } catch { #expect(error == .closed) }
        try channel.write([UInt8](repeating: 2, count: 4096), at: Self.byteCount - 4096)
    }

    @Test(.enabled(if: SmallFileSystem.isAvailable, "needs root, to mount a small file system"))
    func aFileSystemThatIsFullEndsTheCopyCleanly() throws {
        let small = try #require(SmallFileSystem())
        let test = try TestDisk(byteCount: 16 << 20, layers: 1)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        for offset in stride(from: UInt64(0), to: 16 << 20, by: 1 << 20) { try channel.write([UInt8](repeating: 1, count: 1 << 20), at: offset) }
        let target = try TestDisk(byteCount: 16 << 20, layers: 1, under: small.path)
        let copy = try DiskCopy(from: test.path, to: target.path, byteCount: 16 << 20)
        copy.hold(disk)
        #expect(throws: BlockError.noSpace) { try copy.run() }
        try channel.write([UInt8](repeating: 2, count: 4096), at: 0)
    }

    @Test func holesStayHoles() throws {
        let test = try TestDisk(byteCount: Self.byteCount, layers: 1)
        let disk = try test.open()
        let channel = try disk.makeChannel()
        try channel.write([UInt8](repeating: 1, count: 4096), at: 40 << 20)
        let target = try TestDisk(byteCount: Self.byteCount, layers: 1)
        try DiskCopy(from: test.path, to: target.path, byteCount: Self.byteCount).run()
        #expect(try target.open().allocatedByteCount <= 64 << 10)
        #expect(try target.ciphertext() == test.ciphertext())
    }

    @Test func changesAreWholeSectors() throws {
        let test = try TestDisk(byteCount: Self.byteCount, layers: 2)
        let base = try TestDisk(byteCount: 1 << 20, layers: 2)
        let channel = try test.open().makeChannel()
        try channel.write([1], at: 5000)
        try channel.write([UInt8](repeating: 2, count: 4097), at: 50 << 20)
        let changes = try DiskChanges.ranges(
            in: DataFile(path: test.path, isReadOnly: true), byteCount: Self.byteCount, since: DataFile(path: base.path, isReadOnly: true),
            baseByteCount: 1 << 20)
        #expect(changes == [ByteRange(offset: 4096, length: 4096), ByteRange(offset: 50 << 20, length: 8192)])
    }
}

private final class Counter: Sendable {
    let number = Atomic<UInt64>(0)
    let isEnding = Atomic<Bool>(false)
}
