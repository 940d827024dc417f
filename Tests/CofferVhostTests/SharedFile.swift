@testable import CofferVhost
import Foundation

/// A file as a guest's memory, at guest address 0x1000 and at the front end's address 0x7000_0000, and the rings in it.
final class SharedFile {
    static let guest: UInt64 = 0x1000
    static let user: UInt64 = 0x7000_0000
    static let byteCount = 1 << 16
    static let size: UInt16 = 8
    /// Where the parts of the ring are in the file.
    static let descriptors = 0, available = 4096, used = 8192, data = 16384

    let memory: GuestMemory
    private let file: Int32

    init(byteCount: Int = SharedFile.byteCount) throws {
        var name = Array((NSTemporaryDirectory() + "coffer-vhost-XXXXXX").utf8CString)
        file = unsafe name.withUnsafeMutableBufferPointer { unsafe mkstemp($0.baseAddress!) }
        _ = unsafe unlink(name)
        guard file >= 0, ftruncate(file, off_t(byteCount)) == 0 else { throw POSIXError(.EIO) }
        guard
            let description = GuestMemory.Description(
                guestAddress: Self.guest, byteCount: UInt64(Self.byteCount), userAddress: Self.user, fileOffset: 0)
        else { throw POSIXError(.EINVAL) }
        memory = try GuestMemory([description], [file])
    }

    deinit { close(file) }

    func ring(taken: UInt16 = 0, usesEventIndex: Bool = false) throws -> TestRing {
        TestRing(try SplitRing(
            memory, size: Self.size,
            at: SplitRing.Addresses(
                descriptors: Self.user + UInt64(Self.descriptors), used: Self.user + UInt64(Self.used),
                available: Self.user + UInt64(Self.available)),
            taken: taken, usesEventIndex: usesEventIndex))
    }

    func put<I: FixedWidthInteger & BitwiseCopyable>(_ value: I, at place: Int) {
        let range = unsafe memory.userRange(Self.user + UInt64(place), MemoryLayout<I>.size)
        unsafe range?.storeBytes(of: value.littleEndian, as: I.self)
    }

    func get<I: FixedWidthInteger & BitwiseCopyable>(_ place: Int, as type: I.Type) -> I {
        let range = unsafe memory.userRange(Self.user + UInt64(place), MemoryLayout<I>.size)
        return unsafe I(littleEndian: range?.loadUnaligned(as: I.self) ?? 0)
    }

    /// Writes a descriptor; flags 1: it has a next one, 2: the device writes, 4: a table of more.
    func describe(_ index: Int, in table: Int = SharedFile.descriptors, address: UInt64, count: UInt32, flags: UInt16 = 0, next: UInt16 = 0) {
        put(address, at: table + 16 * index)
        put(count, at: table + 16 * index + 8)
        put(flags, at: table + 16 * index + 12)
        put(next, at: table + 16 * index + 14)
    }

    /// Offers the chain that begins with a descriptor.
    func offer(_ head: UInt16) {
        let index = get(Self.available + 2, as: UInt16.self)
        put(head, at: Self.available + 4 + 2 * Int(index % Self.size))
        put(index &+ 1, at: Self.available + 2)
    }
}

/// A ring with answers that tests can compare.
final class TestRing {
    private var ring: SplitRing
    private var segments: [SplitRing.Segment] = []

    init(_ ring: SplitRing) {
        self.ring = ring
    }

    struct Taken: Equatable {
        let head: UInt16
        let counts: [Int]
        let areWritable: [Bool]
    }

    func take() throws -> Taken? {
        guard let head = try ring.take(&segments) else { return nil }
        return Taken(
            head: head, counts: segments.map { segment in unsafe segment.bytes.count }, areWritable: segments.map { $0.isWritable })
    }

    func give(_ head: UInt16, _ written: Int = 0) { ring.give(head, written: written) }
    func shouldTell() -> Bool { ring.shouldTell() }
    func awaitMore() -> Bool { ring.awaitMore() }
    var taken: UInt16 { ring.taken }
}
