import CofferCore
package import CofferModel

/// A conversation with a server about one export: one command at a time, and none that allocates for data.
@safe
package final class NBDSession: @unchecked Sendable {
    // SAFETY: whoever has it sees to it that one thread at a time uses it; `interrupt()` touches the wire alone.
    package let agreement: NBDAgreement
    private let wire: any ByteWire
    private var cookie: UInt64 = 0
    /// Heads on their way out and in.
    private let head = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 8)

    /// A stretch of an export.
    package struct Extent: Equatable, Sendable {
        package let range: ByteRange
        package let isZero: Bool
    }

    /// - Throws: ``NBDFailure``.
    package init(_ wire: any ByteWire, export: String) throws(NBDFailure) {
        self.wire = wire
        agreement = try NBDHandshaker(wire: wire).agree(on: export)
    }

    deinit { unsafe head.deallocate() }

    /// Fills `bytes` with what the export holds from `offset`.
    ///
    /// - Parameter bytes: At most ``NBDLimit/payloadByteCount``.
    package func read(into bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(NBDFailure) {
        guard bytes.count <= NBDLimit.payloadByteCount else { throw .badRange }
        guard bytes.count > 0 else { return }
        try send(.read, ByteRange(offset: offset, length: UInt64(bytes.count)))
        var filled = 0
        try takeChunks { (chunk) throws(NBDFailure) in
            let isHole = chunk.type == NBDChunk.offsetHole.rawValue
            guard isHole ? chunk.byteCount == 12 : chunk.type == NBDChunk.offsetData.rawValue && chunk.byteCount >= 8 else {
                throw .malformed
            }
            try unsafe wire.receive(into: part(8))
            let place: UInt64 = load(0)
            var length = chunk.byteCount - 8
            if isHole {
                try unsafe wire.receive(into: part(4))
                length = Int(load(0) as UInt32)
            }
            guard place >= offset, let start = Int(exactly: place - offset), start <= bytes.count, length <= bytes.count - start,
                length <= bytes.count - filled
            else { throw .malformed }
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + length])
            if isHole {
                unsafe target.initializeMemory(as: UInt8.self, repeating: 0)
            } else {
                try unsafe wire.receive(into: target)
            }
            filled += length
        }
        guard filled == bytes.count else { throw .malformed }
    }

    /// Writes `bytes` at `offset`.
    ///
    /// - Parameters:
    ///   - bytes: At most ``NBDLimit/payloadByteCount``.
    ///   - isDurable: Whether to return only when they are on stable storage.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(NBDFailure) {
        guard bytes.count <= NBDLimit.payloadByteCount else { throw .badRange }
        guard bytes.count > 0 else { return }
        try send(.write, ByteRange(offset: offset, length: UInt64(bytes.count)), flags: isDurable ? NBDCommandFlag.fua : 0)
        try unsafe wire.send(bytes)
        try finish()
    }

    /// Puts everything that was written, through any session, on stable storage.
    package func flush() throws(NBDFailure) {
        try send(.flush, ByteRange(offset: 0, length: 0))
        try finish()
    }

    /// Makes a range read as zeros.
    ///
    /// - Parameter keepsSpace: Whether it stays allocated.
    package func clear(_ range: ByteRange, keepsSpace: Bool, isDurable: Bool) throws(NBDFailure) {
        let flags = (keepsSpace ? NBDCommandFlag.noHole : 0) | (isDurable ? NBDCommandFlag.fua : 0)
        for part in range.parts(of: NBDLimit.rangeByteCount) {
            try send(.writeZeroes, part, flags: flags)
            try finish()
        }
    }

    /// The extents of a range, in order and without gaps.
    package func extents(_ range: ByteRange) throws(NBDFailure) -> [Extent] {
        var found: [Extent] = []
        var (offset, left) = (range.offset, range.length)
        while left > 0 {
            try send(.blockStatus, ByteRange(offset: offset, length: min(left, NBDLimit.rangeByteCount)))
            let before = left
            try takeChunks { (chunk) throws(NBDFailure) in
                guard chunk.type == NBDChunk.blockStatus.rawValue else { throw .malformed }
                for (length, flags) in try descriptors(try wire.receive(chunk.byteCount)) {
                    // The last one may be longer than what was asked for.
                    let length = min(UInt64(length), left)
                    guard length > 0 else { continue }
                    let isZero = flags & NBDAllocationContext.zero != 0
                    found.append(Extent(range: ByteRange(offset: offset, length: length), isZero: isZero))
                    (offset, left) = (offset + length, left - length)
                }
            }
            guard left < before else { throw .malformed }
        }
        return found
    }

    /// Lets a command in progress and later ones fail. Any thread may call it.
    package func interrupt() { wire.interrupt() }

    /// Says good-bye; nothing is answered.
    package func end() {
        try? send(.disconnect, ByteRange(offset: 0, length: 0))
    }

    private struct Chunk {
        let type: UInt16
        /// Of what follows the head and is not received yet.
        let byteCount: Int
        let isLast: Bool
    }

    private func descriptors(_ body: [UInt8]) throws(NBDFailure) -> [(length: UInt32, flags: UInt32)] {
        var reader = ByteReader(body)
        guard (try? reader.uint32()) == agreement.allocationContext, reader.remaining % 8 == 0 else { throw .malformed }
        var found: [(length: UInt32, flags: UInt32)] = []
        while reader.remaining > 0 {
            guard let length = try? reader.uint32(), let flags = try? reader.uint32() else { throw .malformed }
            found.append((length, flags))
        }
        return found
    }

    private func send(_ command: NBDCommand, _ range: ByteRange, flags: UInt16 = 0) throws(NBDFailure) {
        guard range.offset <= agreement.byteCount, range.length <= agreement.byteCount - range.offset,
            let length = UInt32(exactly: range.length)
        else { throw .badRange }
        cookie &+= 1
        store(NBDMagic.request, 0)
        store(flags, 4)
        store(command.rawValue, 6)
        store(cookie, 8)
        store(range.offset, 16)
        store(length, 24)
        try unsafe wire.send(UnsafeRawBufferPointer(part(28)))
    }

    /// Takes the answer to a command that asks for nothing back.
    private func finish() throws(NBDFailure) {
        try takeChunks { (_) throws(NBDFailure) in throw .malformed }
    }

    /// Takes all chunks of an answer; `take` receives those that have something.
    ///
    /// - Throws: ``NBDFailure/command(_:)`` once the whole answer is taken, if the server could not do the command.
    private func takeChunks(_ take: (Chunk) throws(NBDFailure) -> Void) throws(NBDFailure) {
        var error: UInt32?
        while true {
            let chunk = try nextChunk()
            if chunk.type & NBDChunk.errorBit != 0 {
                let body = try wire.receive(chunk.byteCount)
                var reader = ByteReader(body)
                guard let code = try? reader.uint32() else { throw .malformed }
                error = error ?? code
            } else if chunk.type == NBDChunk.none.rawValue {
                guard chunk.byteCount == 0 else { throw .malformed }
            } else {
                try take(chunk)
            }
            if chunk.isLast { break }
        }
        if let error { throw .command(error) }
    }

    private func nextChunk() throws(NBDFailure) -> Chunk {
        try unsafe wire.receive(into: part(16))
        switch load(0) as UInt32 {
        case NBDMagic.simpleReply:
            guard load(8) == cookie else { throw .malformed }
            let error: UInt32 = load(4)
            guard error == 0 else { throw .command(error) }
            return Chunk(type: NBDChunk.none.rawValue, byteCount: 0, isLast: true)
        case NBDMagic.structuredReply:
            let (flags, type): (UInt16, UInt16) = (load(4), load(6))
            guard load(8) == cookie else { throw .malformed }
            try unsafe wire.receive(into: part(4))
            let byteCount = Int(load(0) as UInt32)
            let limit = type == NBDChunk.offsetData.rawValue ? NBDLimit.payloadByteCount + 8 : NBDLimit.chunkByteCount
            guard byteCount <= limit else { throw .malformed }
            return Chunk(type: type, byteCount: byteCount, isLast: flags & NBDChunk.done != 0)
        default: throw .malformed
        }
    }

    private func part(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: head[..<count])
    }

    private func load<I: FixedWidthInteger & BitwiseCopyable>(_ place: Int) -> I {
        unsafe I(bigEndian: head.loadUnaligned(fromByteOffset: place, as: I.self))
    }

    private func store<I: FixedWidthInteger & BitwiseCopyable>(_ value: I, _ place: Int) {
        unsafe head.storeBytes(of: value.bigEndian, toByteOffset: place, as: I.self)
    }
}

extension ByteRange {
    /// The range in pieces of at most `most` bytes.
    func parts(of most: UInt64) -> [ByteRange] {
        stride(from: UInt64(0), to: length, by: Int(clamping: most)).map { start in
            ByteRange(offset: offset + start, length: Swift.min(most, length - start))
        }
    }
}
