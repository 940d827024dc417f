@testable import CofferBlock
import CofferCore
import CofferTesting
import Foundation
import Glibc
import Synchronization
import Testing

/// Several channels of one disk at work at once.
struct ConcurrencyTests {
    /// Runs `body` for each of `count` numbers, each on a thread of its own, and waits for all.
    private static func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) async -> [any Error] {
        await withTaskGroup(of: (any Error)?.self) { group in
            let pool = WorkerPool(name: "test", threads: count)
            for number in 0..<count {
                group.addTask {
                    do {
                        try await pool.run { try body(number) }
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var errors: [any Error] = []
            for await error in group { if let error { errors.append(error) } }
            return errors
        }
    }

    @Test(arguments: [1, 2])
    func neighboursInOneSectorDoNotLoseEachOthersWrites(layers: Int) async throws {
        let test = try TestDisk(byteCount: 2 * 4096, layers: layers)
        let disk = try test.open()
        let threads = 4
        // Thread t owns the ranges of 200 bytes whose number is t modulo 4: all threads share both sectors.
        let errors = await Self.onThreads(threads) { thread in
            let channel = try disk.makeChannel()
            defer { channel.end() }
            var random = SeededRandom(seed: UInt64(thread))
            for round in 0..<3000 {
                let piece = Int.random(in: 0..<10, using: &random) * threads + thread
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: round * threads + thread), count: 200)
                try channel.write(bytes, at: UInt64(piece * 200))
                #expect(try channel.read(200, at: UInt64(piece * 200)) == bytes, "thread \(thread), round \(round)")
            }
        }
        #expect(errors.isEmpty)
    }

    @Test func overlappingWritesAndReadsNeverMakeNoise() async throws {
        let test = try TestDisk(byteCount: 4 * 4096, layers: 1)
        let disk = try test.open()
        let size = Int(disk.byteCount)
        let errors = await Self.onThreads(6) { thread in
            let channel = try disk.makeChannel()
            defer { channel.end() }
            var random = SeededRandom(seed: UInt64(100 + thread))
            for _ in 0..<1500 {
                let isAligned = Bool.random(using: &random)
                let unit = isAligned ? 4096 : 1
                let offset = Int.random(in: 0..<size / unit, using: &random) * unit
                let length = min(Int.random(in: 1...9000 / unit, using: &random) * unit, size - offset)
                if thread < 3 {
                    try channel.write([UInt8](repeating: UInt8(thread + 1), count: length), at: UInt64(offset))
                } else if thread == 3 {
                    try channel.writeZeroes(at: UInt64(offset), count: UInt64(length), keepsSpace: false)
                } else {
                    // Every byte is what some thread wrote; half-written ciphertext would decrypt to anything.
                    #expect(try channel.read(length, at: UInt64(offset)).allSatisfy { $0 <= 3 })
                }
            }
        }
        #expect(errors.isEmpty)
        #expect(try disk.makeChannel().read(size, at: 0).allSatisfy { $0 <= 3 })
    }

    @Test func suspendingWaitsForNobodyElseAndEndsAllIO() async throws {
        let disk = try TestDisk(byteCount: 64 * 4096, layers: 1).open()
        let isSuspended = Atomic<Bool>(false)
        let errors = await Self.onThreads(5) { thread in
            if thread == 4 {
                disk.suspend(reason: "test")
                isSuspended.store(true, ordering: .sequentiallyConsistent)
                return
            }
            let channel = try disk.makeChannel()
            defer { channel.end() }
            while true {
                let wasSuspended = isSuspended.load(ordering: .sequentiallyConsistent)
                do {
                    try channel.write([UInt8](repeating: 1, count: 8192), at: UInt64(thread) * 8192)
                    #expect(!wasSuspended, "a write was done after the disk was suspended")
                } catch BlockError.suspended {
                    return
                }
            }
        }
        #expect(errors.isEmpty)
    }

    @Test func ioOfAPausedDiskWaitsForTheKeys() async throws {
        let disk = try TestDisk(byteCount: 64 * 4096, layers: 1).open()
        let channel = try disk.makeChannel()
        try channel.write([5], at: 0)
        disk.suspend(reason: "test", isWaiting: true)
        let ended = Atomic<Int>(0)
        let errors = await Self.onThreads(4) { thread in
            if thread == 3 {
                // Long enough for the others to fail, if they did not wait.
                for _ in 0..<1000 where ended.load(ordering: .sequentiallyConsistent) == 0 { usleep(100) }
                #expect(ended.load(ordering: .sequentiallyConsistent) == 0)
                try disk.resume(with: TestDisk.keys(1))
                return
            }
            defer { ended.add(1, ordering: .sequentiallyConsistent) }
            switch thread {
            case 0: #expect(try channel.read(1, at: 0) == [5])
            case 1: try disk.makeChannel().write([6], at: 4096)
            default: try disk.makeChannel().flush()
            }
        }
        #expect(errors.isEmpty)
        #expect(try channel.read(1, at: 4096) == [6])
    }

    @Test(arguments: [0, 1, 2]) func whoWaitsForTheKeysIsLetGo(how: Int) async throws {
        let disk = try TestDisk(byteCount: 64 * 4096, layers: 1).open()
        let channel = try disk.makeChannel()
        disk.suspend(reason: "test", isWaiting: true)
        let errors = await Self.onThreads(2) { thread in
            guard thread == 1 else {
                #expect(throws: BlockError.suspended) { try channel.read(1, at: 0) }
                return
            }
            switch how {
            case 0: disk.releaseWaiting()
            case 1: disk.suspend(reason: "for good")
            default: try disk.close()
            }
        }
        #expect(errors.isEmpty)
    }
}
