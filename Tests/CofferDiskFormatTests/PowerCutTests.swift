@testable import CofferDiskFormat
import CofferModel
import CofferTesting
import Glibc
import Testing

/// What a change of a disk leaves behind when the power goes at any of its steps, tried at every step with many fates of what was
/// not synced.
struct PowerCutTests {
    /// A change to a shelf on which ``Samples/disk`` exists, or not yet.
    enum Change: String, CaseIterable, Sendable {
        case create, rewrap, grow, delete
        /// Of a re-encryption.
        case begin, end

        var startsWithDisk: Bool { self != .create }
    }

    private static let seedCount = 40
    private static let grownByteCount: UInt64 = 32768
    private static let data = (0..<16384).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    private static func start(_ change: Change, layers: Int) throws -> ForgetfulFiles {
        let files = ForgetfulFiles()
        let shelf = DiskShelf(path: "disks", files: files)
        _ = try shelf.recover()
        guard change.startsWithDisk else { return files }
        try shelf.create(Samples.header(layers: layers))
        if change == .end { _ = try shelf.beginReencryption(of: shelf.header(of: Samples.disk), Samples.job(layers: layers)) }
        try files.perform(.write(shelf.dataPath(of: Samples.disk), data))
        try files.perform(.syncFile(shelf.dataPath(of: Samples.disk)))
        return files
    }

    private static func run(_ change: Change, on files: ForgetfulFiles, layers: Int) throws {
        let shelf = DiskShelf(path: "disks", files: files)
        switch change {
        case .create: try shelf.create(Samples.header(layers: layers))
        case .rewrap: try shelf.replaceHeader(with: shelf.header(of: Samples.disk).rewrapped(layer: layers - 1, to: Samples.layer(2)))
        case .grow: _ = try shelf.grow(shelf.header(of: Samples.disk), to: grownByteCount)
        case .delete: try shelf.delete(Samples.disk)
        case .begin: _ = try shelf.beginReencryption(of: shelf.header(of: Samples.disk), Samples.job(layers: layers))
        case .end: _ = try shelf.endReencryption(of: shelf.header(of: Samples.disk))
        }
    }

    private static func stepCount(_ change: Change, layers: Int) throws -> Int {
        let files = try start(change, layers: layers)
        files.plan(.smooth)
        try run(change, on: files, layers: layers)
        return files.stepCount
    }

    /// Holds what is there after recovery against what may be there.
    ///
    /// - Parameter isDone: Whether the change was acknowledged before the power went.
    private static func check(_ change: Change, _ files: ForgetfulFiles, layers: Int, isDone: Bool, _ story: Comment) throws {
        let shelf = DiskShelf(path: "disks", files: files)
        let found = try shelf.contents()
        #expect(found.refused.isEmpty, story)
        #expect(try files.names(in: "disks").allSatisfy { !$0.hasPrefix(".") }, story)
        let old = try Samples.header(layers: layers)
        let new = try old.rewrapped(layer: layers - 1, to: Samples.layer(2))
        switch change {
        case .create: #expect(found.headers == [old] || !isDone && found.headers.isEmpty, story)
        case .rewrap: #expect(found.headers == [new] || !isDone && found.headers == [old], story)
        case .grow: #expect(try found.headers == [old.grown(to: grownByteCount)] || !isDone && found.headers == [old], story)
        case .delete: #expect(found.headers.isEmpty || !isDone && found.headers == [old], story)
        case .begin, .end:
            let begun = try old.reencrypting(Samples.job(layers: layers))
            let pair = change == .begin ? (old, begun) : (begun, try begun.reencrypted())
            #expect(found.headers == [pair.1] || !isDone && found.headers == [pair.0], story)
        }
        guard let header = found.headers.first else { return }
        if change == .end, header.reencryption == nil { try header.prove(Samples.targetKeys(layers)) } else { try header.prove(Samples.keys(layers)) }
        let names = ["data", "header"] + (header.reencryption == nil ? [] : ["journal"])
        #expect(try files.names(in: shelf.directory(of: Samples.disk)).sorted() == names, story)
        if header.reencryption != nil {
            let journal = try files.read(shelf.journalPath(of: Samples.disk), limit: JournalRecord.fileByteCount)
            #expect(JournalRecord.read(journal)?.record.sequence == 0, story)
            #expect(journal.count == JournalRecord.fileByteCount, story)
        }
        var data = change.startsWithDisk ? data : [UInt8](repeating: 0, count: 16384)
        data += [UInt8](repeating: 0, count: Int(header.byteCount) - data.count)
        #expect(try files.read(shelf.dataPath(of: Samples.disk), limit: 1 << 20) == data, story)
    }

    @Test(arguments: Change.allCases, [1, 2])
    func aPowerCutLeavesTheDiskAsItWasOrAsItWasToBe(change: Change, layers: Int) throws {
        let count = try Self.stepCount(change, layers: layers)
        #expect(count > 4)
        for step in 0...count {
            for seed in 0..<Self.seedCount {
                var random = SeededRandom(seed: UInt64(step * 1000 + seed))
                let files = try Self.start(change, layers: layers)
                files.plan(.powerCut(step: step))
                let isDone = (try? Self.run(change, on: files, layers: layers)) != nil
                let after = files.afterPowerCut(&random)
                _ = try DiskShelf(path: "disks", files: after).recover()
                try Self.check(change, after, layers: layers, isDone: isDone, "\(change) cut at step \(step), seed \(seed)")
            }
        }
    }

    @Test(arguments: Change.allCases)
    func aSecondPowerCutDuringRecoveryDoesNoHarm(change: Change) throws {
        let count = try Self.stepCount(change, layers: 1)
        for step in 0..<count {
            for second in 0..<12 {
                for seed in 0..<8 {
                    var random = SeededRandom(seed: UInt64(step * 10_000 + second * 100 + seed))
                    let files = try Self.start(change, layers: 1)
                    files.plan(.powerCut(step: step))
                    let isDone = (try? Self.run(change, on: files, layers: 1)) != nil
                    let after = files.afterPowerCut(&random)
                    after.plan(.powerCut(step: second))
                    _ = try? DiskShelf(path: "disks", files: after).recover()
                    let last = after.afterPowerCut(&random)
                    _ = try DiskShelf(path: "disks", files: last).recover()
                    try Self.check(change, last, layers: 1, isDone: isDone, "\(change) cut at \(step), then \(second), seed \(seed)")
                }
            }
        }
    }

    @Test(arguments: Change.allCases, [EIO, ENOSPC])
    func aRefusedStepLeavesTheDiskUsable(change: Change, code: Int32) throws {
        let count = try Self.stepCount(change, layers: 2)
        for step in 0..<count {
            let files = try Self.start(change, layers: 2)
            files.plan(.failure(step: step, code: code))
            #expect(throws: DiskFormatError.self) { try Self.run(change, on: files, layers: 2) }
            files.plan(.smooth)
            let shelf = DiskShelf(path: "disks", files: files)
            _ = try shelf.recover()
            let story: Comment = "\(change) refused at step \(step)"
            try Self.check(change, files, layers: 2, isDone: false, story)
            // What was refused can be asked for again.
            let isDone = switch change {
            case .create: try !shelf.contents().headers.isEmpty
            case .rewrap, .grow: try shelf.header(of: Samples.disk).generation == 2
            case .delete: try shelf.contents().headers.isEmpty
            case .begin: try shelf.header(of: Samples.disk).reencryption != nil
            case .end: try shelf.header(of: Samples.disk).reencryption == nil
            }
            if !isDone { try Self.run(change, on: files, layers: 2) }
            try Self.check(change, files, layers: 2, isDone: true, story)
        }
    }

    @Test func noHeaderOutlivesTheDeletionOfItsDisk() throws {
        let count = try Self.stepCount(.delete, layers: 1)
        for step in 1...count {
            let files = try Self.start(.delete, layers: 1)
            files.plan(.powerCut(step: step))
            _ = try? Self.run(.delete, on: files, layers: 1)
            // All that happened is on disk: the disk is gone from step 1 on, and its header is zeros before its data goes.
            files.plan(.smooth)
            let left = ".deleted-\(Samples.disk.text)"
            let header = try? files.read("disks/\(left)/header", limit: 8192)
            let data = try? files.read("disks/\(left)/data", limit: 1 << 20)
            if data == nil { #expect(header == nil) }
            #expect(throws: DiskFormatError.notFound) { try DiskShelf(path: "disks", files: files).header(of: Samples.disk) }
        }
    }
}
