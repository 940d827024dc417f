@testable import CofferBlock
import CofferCore
@testable import CofferDiskFormat
import CofferTesting
import Foundation
import Glibc
import Synchronization
import Testing

/// Bringing a disk's data from its keys to others while it is in use.
struct ReencryptionTests {
    private static let sector = 4096

    @Test(arguments: [1, 2], [1, 2])
    func allDataIsUnderTheNewKeysAndHolesStayHoles(from: Int, to: Int) throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: from, targetLayers: to)
        let before = try test.fill()
        let disk = try test.open()
        #expect(try test.job(on: disk).run() == .complete)
        #expect(try disk.makeChannel().read(before.count, at: 0) == before)
        try disk.endReencryption()
        #expect(try disk.makeChannel().read(before.count, at: 0) == before)
        try disk.close()
        #expect(try test.openTarget().makeChannel().read(before.count, at: 0) == before)
        #expect(try test.disk.open().makeChannel().read(before.count, at: 0) != before)
        #expect(try DiskHoles.ranges(in: DataFile(path: test.disk.path, isReadOnly: true), byteCount: test.disk.header.byteCount) == test.holes)
    }

    @Test func anEmptyDiskTakesOneRecord() throws {
        let test = try ReencryptedDisk(sectorCount: 1 << 20, layers: 1, targetLayers: 1)
        let disk = try test.open()
        let job = try test.job(on: disk)
        #expect(try job.run() == .complete)
        #expect(try #require(try test.journal()).newest.sequence == 1)
        #expect(disk.reencryptedByteCount == disk.byteCount)
    }

    /// What is read and written below, in and above the window, at any alignment, by several connections.
    @Test(arguments: [1, 2]) func ioGoesOnMeanwhile(layers: Int) async throws {
        let test = try ReencryptedDisk(sectorCount: 512, layers: layers, targetLayers: 3 - layers)
        let before = try test.fill()
        let disk = try test.open()
        let shared = Shared(before)
        let pool = WorkerPool(name: "test", threads: 5)
        let share = before.count / 4
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    try await pool.run {
                        var random = SeededRandom(seed: UInt64(thread))
                        let channel = try disk.makeChannel()
                        defer { channel.end() }
                        var own = Array(before[thread * share..<(thread + 1) * share])
                        while !shared.isOver.load(ordering: .sequentiallyConsistent) {
                            let offset = Int.random(in: 0..<share - 1, using: &random)
                            let count = Int.random(in: 1...min(20_000, share - offset), using: &random)
                            switch Int.random(in: 0..<5, using: &random) {
                            case 0, 1:
                                let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
                                try channel.write(bytes, at: UInt64(thread * share + offset), isDurable: offset % 7 == 0)
                                own.replaceSubrange(offset..<offset + count, with: bytes)
                            case 2:
                                try channel.writeZeroes(at: UInt64(thread * share + offset), count: UInt64(count), keepsSpace: offset % 2 == 0)
                                own.replaceSubrange(offset..<offset + count, with: [UInt8](repeating: 0, count: count))
                            default:
                                #expect(try channel.read(count, at: UInt64(thread * share + offset)) == Array(own[offset..<offset + count]))
                            }
                        }
                        shared.model.withLock { $0.replaceSubrange(thread * share..<(thread + 1) * share, with: own) }
                    }
                }
            }
            group.addTask {
                try await pool.run {
                    defer { shared.isOver.store(true, ordering: .sequentiallyConsistent) }
                    #expect(try test.job(on: disk, sectorsPerWindow: 8).run() == .complete)
                    try disk.endReencryption()
                }
            }
            try await group.waitForAll()
        }
        let after = shared.model.withLock { $0 }
        #expect(try disk.makeChannel().read(after.count, at: 0) == after)
        try disk.close()
        #expect(try test.openTarget().makeChannel().read(after.count, at: 0) == after)
    }

    @Test func itRestsAndGoesOn() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        let before = try test.fill()
        let disk = try test.open()
        var steps = 0
        let stopper = Stopper()
        let job = try test.job(on: disk, sectorsPerWindow: 4) { step in
            if step == .synced { steps += 1 }
            if steps == 3 { stopper.stop() }
        }
        stopper.job = job
        #expect(try job.run() == .stopped)
        let done = disk.reencryptedByteCount
        #expect(done > 0 && done < disk.byteCount)
        #expect(try disk.makeChannel().read(before.count, at: 0) == before)
        try disk.close()
        let again = try test.open()
        #expect(again.reencryptedByteCount == done)
        #expect(try test.job(on: again).run() == .complete)
        #expect(try again.makeChannel().read(before.count, at: 0) == before)
    }

    @Test func aSuspendedDiskHasNoKeysOfEitherKindAndGoesOnLater() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 2)
        let before = try test.fill()
        let disk = try test.open()
        disk.suspend(reason: "test")
        #expect(try test.job(on: disk).run() == .stopped)
        #expect(disk.reencryptedByteCount == 0)
        #expect(throws: BlockError.suspended) { try disk.endReencryption() }
        try disk.resume(with: TestDisk.keys(1), target: ReencryptedDisk.keys(2))
        #expect(try test.job(on: disk).run() == .complete)
        #expect(try disk.makeChannel().read(before.count, at: 0) == before)
    }

    @Test func aDiskThatGrowsIsDoneToItsNewEnd() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        let before = try test.fill()
        let disk = try test.open()
        #expect(try test.job(on: disk).run() == .complete)
        let grown = before.count + 16 * Self.sector
        #expect(unsafe truncate(test.disk.path, off_t(grown)) == 0)
        disk.grow(to: UInt64(grown))
        try disk.makeChannel().write([7, 8, 9], at: UInt64(grown - 3))
        #expect(try test.job(on: disk, byteCount: UInt64(grown)).run() == .complete)
        try disk.endReencryption()
        let after = try disk.makeChannel().read(grown, at: 0)
        #expect(Array(after.prefix(before.count)) == before)
        #expect(Array(after.suffix(3)) == [7, 8, 9])
    }

    @Test func aRangeThatWasGivenUpIsLeftAloneUntilTheDiskIsOpenedAnew() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        let before = try test.fill()
        let disk = try test.open()
        disk.ranges.giveUp(8 * 4096..<12 * 4096)
        #expect(throws: BlockError.writesLost) { try test.job(on: disk).run() }
        #expect(throws: BlockError.writesLost) { try disk.makeChannel().read(1, at: 8 * 4096) }
        #expect(throws: BlockError.writesLost) { try disk.makeChannel().write([1], at: 12 * 4096 - 1) }
        #expect(try disk.makeChannel().read(4096, at: 12 * 4096) == Array(before[12 * 4096..<13 * 4096]))
        try disk.close()
        let again = try test.open()
        #expect(try test.job(on: again).run() == .complete)
        #expect(try again.makeChannel().read(before.count, at: 0) == before)
    }

    @Test func itIsNoFasterThanItMay() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        try test.fillAll()
        let disk = try test.open()
        // At a byte a second the second window would begin after most of a day.
        let stopper = Stopper()
        let slow = try test.job(on: disk, sectorsPerWindow: 16, bytesPerSecond: 1) { step in
            if step == .settled { stopper.stop() }
        }
        stopper.job = slow
        #expect(try slow.run() == .stopped)
        #expect(disk.reencryptedByteCount == 16 * 4096)
        // Whoever waits for its turn goes on when the limit is taken away.
        let freed = try test.job(on: disk, sectorsPerWindow: 16, bytesPerSecond: 1) { step in
            if step == .settled { stopper.job?.limit(to: 0) }
        }
        stopper.job = freed
        #expect(try freed.run() == .complete)
    }

    @Test func theJournalOfAnotherJobOrDiskIsNone() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        #expect(try test.journal(job: [UInt8](repeating: 9, count: 16)) == nil)
        #expect(try test.journal() != nil)
        // A record whose window lies behind the end of the disk.
        let far = try JournalRecord(disk: TestDisk.id, job: test.jobID, sequence: 0, offset: 1 << 40)
        try Data(far.bytes()).write(to: URL(filePath: test.journalPath))
        #expect(try test.journal() == nil)
        try Data().write(to: URL(filePath: test.journalPath))
        #expect(try test.journal() == nil)
    }

    @Test func aRecordOfTheLastPossibleSequenceIsTheEnd() throws {
        let test = try ReencryptedDisk(sectorCount: 64, layers: 1, targetLayers: 1)
        let last = try JournalRecord(disk: TestDisk.id, job: test.jobID, sequence: .max, offset: 0)
        var bytes = [UInt8](repeating: 0, count: JournalRecord.slotByteCount)
        bytes += last.bytes()
        try Data(bytes).write(to: URL(filePath: test.journalPath))
        let journal = try #require(try test.journal())
        #expect(throws: BlockError.outOfRange) { try journal.settle(at: 4096) }
    }
}

/// What the threads of a test share.
private final class Shared: Sendable {
    let isOver = Atomic<Bool>(false)
    let model: Mutex<[UInt8]>

    init(_ bytes: [UInt8]) { model = Mutex(bytes) }
}

/// Stops a job from its own observer.
private final class Stopper {
    weak var job: Reencryption?
    func stop() { job?.stop() }
}
