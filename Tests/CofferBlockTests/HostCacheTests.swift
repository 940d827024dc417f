import CofferCore
import CofferDiskFormat
import CofferModel
import CofferTesting
import Foundation
import Glibc
import Synchronization
import Testing

@testable import CofferBlock

/// A storage in memory that counts what reaches it and fails when told.
final class MemoryStorage: DiskStorage {
    private struct State {
        var bytes: [UInt8]
        var reads = 0
        var syncs = 0
        var failure: BlockError?
    }

    private let state: Mutex<State>

    init(byteCount: Int) { state = Mutex(State(bytes: [UInt8](repeating: 0, count: byteCount))) }

    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var readCount: Int { state.withLock { $0.reads } }
    var syncCount: Int { state.withLock { $0.syncs } }

    func fail(with failure: BlockError?) { state.withLock { $0.failure = failure } }

    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        let part = try use { state in
            state.reads += 1
            return Array(state.bytes[Int(offset)..<Int(offset) + bytes.count])
        }
        unsafe bytes.copyBytes(from: part)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        let copy = unsafe Array(bytes)
        try use { $0.bytes.replaceSubrange(Int(offset)..<Int(offset) + copy.count, with: copy) }
    }

    func sync() throws(BlockError) { try use { $0.syncs += 1 } }

    func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try use { $0.bytes.replaceSubrange(Int(offset)..<Int(offset + count), with: [UInt8](repeating: 0, count: Int(count))) }
        return true
    }

    func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool { try punch(offset, count) }

    func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        let bytes = bytes
        for start in stride(from: offset, to: offset + count, by: 4096) {
            let isHole = bytes[Int(start)..<Int(start) + 4096].allSatisfy { $0 == 0 }
            guard body(DiskExtent(offset: start, length: 4096, isHole: isHole)) else { return }
        }
    }

    var holeCount: UInt64 { 0 }
    func prefetch(_ offset: UInt64, _ count: UInt64) {}
    func allocatedByteCount() -> UInt64 { 0 }

    private func use<R>(_ body: (inout State) -> R) throws(BlockError) -> R {
        try state.withLock { (state) throws(BlockError) in
            if let failure = state.failure { throw failure }
            return body(&state)
        }
    }
}

@Suite("A host's cache")
struct HostCacheTests {
    private static let sectors = 1024

    private struct Place {
        let directory = "\(NSTemporaryDirectory())/coffer-cache-\(UUID().uuidString)"
        var path: String { "\(directory)/cache" }

        init() throws { try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true) }
        func remove() { try? FileManager.default.removeItem(atPath: directory) }
    }

    private func open(
        _ base: MemoryStorage, _ place: Place, writesBack: Bool, byteCount: UInt64 = 1 << 30, dirty: UInt64 = 1 << 30
    ) throws -> (HostCache, DiskChannel) {
        let cache = try HostCache(
            over: base, at: place.path, writesBack: writesBack, limits: HostCache.Limits(byteCount: byteCount, dirtyByteCount: dirty))
        let disk = try EncryptedDisk(cache, byteCount: UInt64(Self.sectors * 4096), keys: LayerKeys(), isReadOnly: false)
        return (cache, try disk.makeChannel())
    }

    @Test("Reads fill it and are then answered by it; a write goes through and is read from it")
    func readOnly() throws {
        let place = try Place()
        defer { place.remove() }
        let base = MemoryStorage(byteCount: Self.sectors * 4096)
        let (cache, channel) = try open(base, place, writesBack: false)
        #expect(try channel.read(8192, at: 0) == [UInt8](repeating: 0, count: 8192))
        let reads = base.readCount
        #expect(try channel.read(4096, at: 4096) == [UInt8](repeating: 0, count: 4096))
        #expect(base.readCount == reads)
        try channel.write([UInt8](repeating: 7, count: 4096), at: 4096)
        #expect(base.bytes[4096..<8192].allSatisfy { $0 == 7 })
        #expect(try channel.read(4096, at: 4096) == [UInt8](repeating: 7, count: 4096))
        #expect(base.readCount == reads)
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.path)).contains(7))
        cache.end()
        #expect(!FileManager.default.fileExists(atPath: place.path))
    }

    @Test("Writes wait in it for a flush; what a storage refuses stays and is brought there later")
    func readWrite() throws {
        let place = try Place()
        defer { place.remove() }
        let base = MemoryStorage(byteCount: Self.sectors * 4096)
        let (cache, channel) = try open(base, place, writesBack: true)
        try channel.write([UInt8](repeating: 9, count: 5000), at: 100)
        #expect(!base.bytes.contains(9))
        #expect(try channel.read(5000, at: 100) == [UInt8](repeating: 9, count: 5000))
        base.fail(with: .system(EIO))
        #expect(throws: BlockError.system(EIO)) { try channel.flush() }
        base.fail(with: nil)
        try channel.flush()
        #expect(base.bytes[100..<5100].allSatisfy { $0 == 9 } && base.syncCount == 1)
        #expect(cache.map.dirtySectorCount == 0)
        try channel.write([UInt8](repeating: 8, count: 4096), at: 8192, isDurable: true)
        #expect(base.bytes[8192..<12288].allSatisfy { $0 == 8 })
        cache.end()
    }

    @Test("What was there at an earlier life is not read")
    func noOldData() throws {
        let place = try Place()
        defer { place.remove() }
        try Data([UInt8](repeating: 3, count: 1 << 20)).write(to: URL(fileURLWithPath: place.path))
        let (cache, channel) = try open(MemoryStorage(byteCount: Self.sectors * 4096), place, writesBack: true)
        #expect(try channel.read(4096, at: 0) == [UInt8](repeating: 0, count: 4096))
        cache.end()
    }

    @Test("It keeps to its limits, and is right all the same")
    func limits() throws {
        let place = try Place()
        defer { place.remove() }
        let base = MemoryStorage(byteCount: Self.sectors * 4096)
        let (cache, channel) = try open(base, place, writesBack: true, byteCount: 256 << 12, dirty: 64 << 12)
        for sector in 0..<Self.sectors {
            try channel.write([UInt8](repeating: UInt8(sector & 0x7F) + 1, count: 4096), at: UInt64(sector * 4096))
            #expect(cache.map.dirtySectorCount <= 64 && cache.map.presentSectorCount <= 256)
        }
        for sector in 0..<Self.sectors {
            #expect(try channel.read(4096, at: UInt64(sector * 4096)) == [UInt8](repeating: UInt8(sector & 0x7F) + 1, count: 4096))
        }
        #expect(cache.map.presentSectorCount <= 256)
        cache.end()
    }

    /// A disk as it should be: for each sector what it holds, and what it may hold after the host was lost.
    private struct Model {
        var now = [UInt8](repeating: 0, count: HostCacheTests.sectors)
        var possible = [Set<UInt8>](repeating: [0], count: HostCacheTests.sectors)

        mutating func write(_ sectors: Range<Int>, _ value: UInt8) {
            for sector in sectors {
                now[sector] = value
                possible[sector].insert(value)
            }
        }

        mutating func flush() { possible = now.map { [$0] } }

        mutating func crash(_ found: [UInt8]) {
            now = found
            flush()
        }
    }

    @Test("Random operations, with losses of the host between them, leave what they should", arguments: [1, 2, 3, 4, 5, 6])
    func model(seed: UInt64) throws {
        let place = try Place()
        defer { place.remove() }
        var random = SeededRandom(seed: seed)
        let base = MemoryStorage(byteCount: Self.sectors * 4096)
        let isSmall = seed % 2 == 0
        func again() throws -> (HostCache, DiskChannel) {
            try open(
                base, place, writesBack: seed % 3 != 0, byteCount: isSmall ? 100 << 12 : 1 << 30, dirty: isSmall ? 40 << 12 : 1 << 30)
        }
        var (cache, channel) = try again()
        var model = Model()
        for step in 0..<3000 {
            let first = Int(random.next() % UInt64(Self.sectors))
            let sectors = first..<min(Self.sectors, first + 1 + Int(random.next() % 40))
            let offset = UInt64(first * 4096)
            switch random.next() % 100 {
            case 0..<45:
                let value = UInt8(step % 255) + 1
                try channel.write([UInt8](repeating: value, count: sectors.count * 4096), at: offset, isDurable: random.next() % 8 == 0)
                model.write(sectors, value)
            case 45..<80:
                let bytes = try channel.read(sectors.count * 4096, at: offset)
                for sector in sectors { #expect(bytes[(sector - first) * 4096] == model.now[sector] && bytes[(sector - first) * 4096 + 4095] == model.now[sector]) }
            case 80..<88:
                try channel.trim(at: offset, count: UInt64(sectors.count * 4096))
                model.write(sectors, 0)
            case 88..<92:
                let extents = try channel.allExtents(at: offset, count: UInt64(sectors.count * 4096))
                for extent in extents where extent.isHole { #expect(model.now[Int(extent.offset / 4096)] == 0) }
            case 92..<98:
                try channel.flush()
                model.flush()
                for sector in 0..<Self.sectors { #expect(base.bytes[sector * 4096] == model.now[sector]) }
            default:
                let found = (0..<Self.sectors).map { base.bytes[$0 * 4096] }
                for sector in 0..<Self.sectors { #expect(model.possible[sector].contains(found[sector]), "sector \(sector) after step \(step)") }
                model.crash(found)
                cache.end()
                (cache, channel) = try again()
            }
        }
        cache.end()
    }

    @Test("Many threads, a flusher among them, see each what it wrote")
    func threads() throws {
        let place = try Place()
        defer { place.remove() }
        let base = MemoryStorage(byteCount: Self.sectors * 4096)
        let cache = try HostCache(
            over: base, at: place.path, writesBack: true, limits: HostCache.Limits(byteCount: 300 << 12, dirtyByteCount: 50 << 12))
        cache.start()
        let disk = try EncryptedDisk(cache, byteCount: UInt64(Self.sectors * 4096), keys: TestDisk.keys(1), isReadOnly: false)
        let wrong = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 5) { thread in
            guard let channel = try? disk.makeChannel() else { return }
            defer { channel.end() }
            var random = SeededRandom(seed: UInt64(thread))
            // Each has the sectors whose number leaves its own when divided by five, so that all share chunks.
            var mine: [Int: UInt8] = [:]
            for step in 0..<600 {
                let sector = Int(random.next() % UInt64(Self.sectors / 5)) * 5 + thread
                let value = UInt8(step % 255) + 1
                do {
                    if random.next() % 2 == 0 {
                        try channel.write([UInt8](repeating: value, count: 4096), at: UInt64(sector * 4096))
                        mine[sector] = value
                    } else if try channel.read(4096, at: UInt64(sector * 4096)) != [UInt8](repeating: mine[sector] ?? 0, count: 4096) {
                        wrong.add(1, ordering: .relaxed)
                    }
                    if thread == 0, step % 50 == 0 { try channel.flush() }
                } catch {
                    wrong.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        try disk.close()
        cache.end()
    }
}
