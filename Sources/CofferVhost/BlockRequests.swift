import CofferBlock
import CofferDiskFormat
import CofferModel
import Glibc

/// Does the requests of a virtio block device (Virtual I/O Device 1.1 section 5.2.6) on one disk. For one thread.
@safe
final class BlockRequests {
    private enum Kind: UInt32 {
        case read = 0
        case write = 1
        case flush = 4
        case identify = 8
        case discard = 11
        case writeZeroes = 13
    }

    private enum Status: UInt8 {
        case done = 0
        case failed = 1
        case unsupported = 2
    }

    private static let headByteCount = 16
    private static let blockByteCount: UInt64 = 512
    /// What is written goes through a buffer of this size at least: a guest's own copy stays what it was, and no guest can change what is being
    /// encrypted. So does what is read into small pieces; large ones are filled in place.
    private static let minimumByteCount = 256 << 10
    /// Ranges of zeros are made in pieces, so that suspending the disk need not wait for the whole.
    private static let zeroesByteCount: UInt64 = 16 << 20

    private let channel: DiskChannel
    private let identity: [UInt8]
    private let isReadOnly: Bool
    private let buffer: UnsafeMutableRawBufferPointer

    /// - Parameter identity: What the guest reads as the disk's serial number, up to 20 bytes of ASCII.
    init(_ channel: DiskChannel, identity: String, isReadOnly: Bool) {
        self.channel = channel
        unsafe buffer = .allocate(byteCount: max(Self.minimumByteCount, channel.pieceByteCount), alignment: 4096)
        self.identity = Array(identity.utf8.prefix(20))
        self.isReadOnly = isReadOnly
    }

    /// Does what a chain of buffers asks for and writes its status.
    ///
    /// - Returns: How many bytes were written into the chain.
    /// - Throws: ``VhostError/badRing(_:)`` if the chain is no request.
    func perform(_ segments: [SplitRing.Segment]) throws(VhostError) -> Int {
        // What the device reads comes first (section 2.6.4.2).
        let split = segments.firstIndex { $0.isWritable } ?? segments.count
        guard segments[split...].allSatisfy({ $0.isWritable }) else { throw .badRing("buffers in the wrong order") }
        var output = unsafe Pieces(segments[..<split].map { unsafe $0.bytes })
        var input = unsafe Pieces(segments[split...].map { unsafe $0.bytes })
        guard output.count >= Self.headByteCount, let status = unsafe input.dropLastByte() else { throw .badRing("a request without head or status") }
        var head = [UInt8](repeating: 0, count: Self.headByteCount)
        unsafe head.withUnsafeMutableBytes { head in unsafe output.take(into: head) }
        var reader = LittleEndianReader(head)
        guard let word = reader.word(), reader.word() != nil, let sector = reader.long() else { throw .badRing("a head that is too short") }
        let room = input.count
        var outcome = Status.unsupported
        if let kind = Kind(rawValue: word) {
            let counted: (kind: OperationStatistics.Kind, byteCount: Int)? = switch kind {
            case .read: (.read, input.count)
            case .write: (.write, output.count)
            case .flush: (.flush, 0)
            case .discard, .writeZeroes: (.clear, 0)
            case .identify: nil
            }
            let start = counted.flatMap { channel.meter.begin(UInt64($0.byteCount)) }
            do {
                outcome = try perform(kind, sector, &output, &input) ? .done : .unsupported
            } catch {
                outcome = .failed
            }
            if let counted, let start { channel.meter.end(counted.kind, UInt64(counted.byteCount), since: start, failed: outcome != .done) }
        }
        unsafe status.storeBytes(of: outcome.rawValue, as: UInt8.self)
        return room - input.count + 1
    }

    /// - Returns: Whether there is such a request.
    private func perform(_ kind: Kind, _ sector: UInt64, _ output: inout Pieces, _ input: inout Pieces) throws(BlockError) -> Bool {
        switch kind {
        case .read: try read(sector, &input)
        case .write: try write(sector, &output)
        case .flush: try channel.flush()
        case .identify:
            let text = identity + [UInt8](repeating: 0, count: max(0, min(20, input.count) - identity.count))
            unsafe text.withUnsafeBytes { text in unsafe input.put(text) }
        case .discard, .writeZeroes:
            guard !isReadOnly else { throw .readOnly }
            return try zero(kind, &output)
        }
        return true
    }

    private static func offset(_ sector: UInt64) throws(BlockError) -> UInt64 {
        let (offset, overflow) = sector.multipliedReportingOverflow(by: blockByteCount)
        if overflow { throw .outOfRange }
        return offset
    }

    private func read(_ sector: UInt64, _ input: inout Pieces) throws(BlockError) {
        var offset = try Self.offset(sector)
        while input.count > 0 {
            if let whole = unsafe input.takeWhole(atLeast: DiskHeader.sectorByteCount) {
                // A large piece is filled in place, in parts that stay in the processor's cache.
                var done = 0
                while done < whole.count {
                    let end = unsafe min(whole.count, done + buffer.count)
                    _ = try unsafe channel.read(UnsafeMutableRawBufferPointer(rebasing: whole[done..<end]), at: offset + UInt64(done))
                    done = end
                }
                offset += UInt64(whole.count)
                continue
            }
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, input.smallByteCount(below: DiskHeader.sectorByteCount))])
            _ = try unsafe channel.read(part, at: offset)
            unsafe input.put(UnsafeRawBufferPointer(part))
            offset += UInt64(part.count)
        }
    }

    private func write(_ sector: UInt64, _ output: inout Pieces) throws(BlockError) {
        var offset = try Self.offset(sector)
        while output.count > 0 {
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, output.count)])
            unsafe output.take(into: part)
            try unsafe channel.write(part, at: offset, isDurable: false)
            offset += UInt64(part.count)
        }
    }

    private func zero(_ kind: Kind, _ output: inout Pieces) throws(BlockError) -> Bool {
        guard output.count % 16 == 0, (1...BlockConfiguration.rangeLimit).contains(output.count / 16) else { return false }
        var bytes = [UInt8](repeating: 0, count: output.count)
        unsafe bytes.withUnsafeMutableBytes { bytes in unsafe output.take(into: bytes) }
        for place in stride(from: 0, to: bytes.count, by: 16) {
            var reader = LittleEndianReader(Array(bytes[place..<place + 16]))
            guard let sector = reader.long(), let sectors = reader.word(), let flags = reader.word(),
                sectors <= BlockConfiguration.rangeSectorLimit
            else { return false }
            // The flag that a range may be given back is for writes of zeroes alone (section 5.2.6).
            guard flags & ~1 == 0, kind == .writeZeroes || flags == 0 else { return false }
            var offset = try Self.offset(sector)
            let (end, overflow) = offset.addingReportingOverflow(UInt64(sectors) * Self.blockByteCount)
            if overflow { throw .outOfRange }
            while offset < end {
                let next = min(end, (offset / Self.zeroesByteCount + 1) * Self.zeroesByteCount)
                if kind == .discard {
                    try channel.trim(at: offset, count: next - offset)
                } else {
                    try channel.writeZeroes(at: offset, count: next - offset, keepsSpace: flags & 1 == 0)
                }
                offset = next
            }
        }
        return true
    }

    deinit {
        // A guest's plaintext is not left in freed memory.
        if let base = unsafe buffer.baseAddress { unsafe explicit_bzero(base, buffer.count) }
        unsafe buffer.deallocate()
    }
}

/// Buffers one after the other, taken from the front.
@safe
private struct Pieces {
    private var rest: ArraySlice<UnsafeMutableRawBufferPointer>
    /// Bytes that are left.
    private(set) var count: Int

    init(_ pieces: [UnsafeMutableRawBufferPointer]) {
        unsafe rest = pieces.filter { $0.count > 0 }[...]
        count = unsafe rest.reduce(0) { $0 + $1.count }
    }

    /// Where the last byte is, which then is no part of these any more.
    mutating func dropLastByte() -> UnsafeMutableRawPointer? {
        guard let last = unsafe rest.popLast() else { return nil }
        count -= 1
        if last.count > 1 { unsafe rest.append(UnsafeMutableRawBufferPointer(rebasing: last[..<(last.count - 1)])) }
        return unsafe last.baseAddress.map { unsafe $0 + (last.count - 1) }
    }

    /// The first buffer, if it is long and made of whole sectors.
    mutating func takeWhole(atLeast sector: Int) -> UnsafeMutableRawBufferPointer? {
        guard let first = unsafe rest.first, first.count >= 4 * sector, first.count % sector == 0 else { return nil }
        unsafe rest.removeFirst()
        count -= first.count
        return unsafe first
    }

    /// Bytes up to the next buffer that ``takeWhole(atLeast:)`` would take.
    func smallByteCount(below sector: Int) -> Int {
        var small = 0
        for unsafe piece in unsafe rest {
            if small > 0, piece.count >= 4 * sector, piece.count % sector == 0 { return small }
            small += piece.count
        }
        return small
    }

    /// Fills `target` from the front. There are as many bytes.
    mutating func take(into target: UnsafeMutableRawBufferPointer) {
        unsafe move(target.count) { piece, place in
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[place..<place + piece.count]).copyMemory(from: UnsafeRawBufferPointer(piece))
        }
    }

    /// Writes as much of `source` as fits to the front.
    mutating func put(_ source: UnsafeRawBufferPointer) {
        unsafe move(min(count, source.count)) { piece, place in
            unsafe piece.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[place..<place + piece.count]))
        }
    }

    private mutating func move(_ length: Int, _ body: (UnsafeMutableRawBufferPointer, Int) -> Void) {
        var place = 0
        while place < length, let first = unsafe rest.popFirst() {
            let here = min(first.count, length - place)
            unsafe body(UnsafeMutableRawBufferPointer(rebasing: first[..<here]), place)
            if here < first.count {
                unsafe rest = [UnsafeMutableRawBufferPointer(rebasing: first[here...])] + rest
            }
            place += here
            count -= here
        }
    }
}
