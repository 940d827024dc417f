import CofferCore
import CofferModel

/// A conversation with a server about one export: one command at a time.
struct NBDSession {
    let agreement: NBDAgreement
    private let wire: any ByteWire
    private var cookie: UInt64 = 0

    init(_ wire: any ByteWire, export: String) throws(DiskFailure) {
        self.wire = wire
        agreement = try NBDHandshaker(wire: wire).agree(on: export)
    }

    /// - Parameter range: At most ``NBDLimit/payloadByteCount`` bytes.
    mutating func read(_ range: ByteRange) throws(DiskFailure) -> [UInt8] {
        guard let count = Int(exactly: range.length), count <= NBDLimit.payloadByteCount else { throw DiskFailure.tooLong }
        guard count > 0 else { return [] }
        try send(NBDCommand.read, range)
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while true {
            let chunk = try nextChunk(limit: max(count, 4) + 8)
            var reader = ByteReader(chunk.body)
            switch chunk.type {
            case NBDChunk.none: break
            case NBDChunk.data, NBDChunk.hole:
                let isHole = chunk.type == NBDChunk.hole
                guard let place = try? reader.uint64(), place >= range.offset, let start = Int(exactly: place - range.offset),
                    let length = isHole ? (try? reader.uint32()).map({ Int($0) }) : reader.remaining, start <= count, length <= count - start
                else { throw DiskFailure.notNBD }
                if !isHole { bytes.replaceSubrange(start..<start + length, with: chunk.body.suffix(length)) }
                filled += length
            default: throw DiskFailure.notNBD
            }
            guard filled <= count else { throw DiskFailure.notNBD }
            if chunk.isLast { break }
        }
        guard filled == count else { throw DiskFailure.notNBD }
        return bytes
    }

    /// - Parameter bytes: At most ``NBDLimit/payloadByteCount``.
    mutating func write(_ bytes: [UInt8], at offset: UInt64) throws(DiskFailure) {
        guard bytes.count <= NBDLimit.payloadByteCount else { throw DiskFailure.tooLong }
        guard !bytes.isEmpty else { return }
        try send(NBDCommand.write, ByteRange(offset: offset, length: UInt64(bytes.count)), flags: NBDCommand.fua)
        try wire.send(bytes)
        try finish()
    }

    mutating func clear(_ range: ByteRange) throws(DiskFailure) {
        for part in range.parts(of: NBDLimit.rangeByteCount) {
            try send(NBDCommand.writeZeroes, part, flags: NBDCommand.fua)
            try finish()
        }
    }

    mutating func allocated(_ range: ByteRange) throws(DiskFailure) -> [ByteRange] {
        var found: [ByteRange] = []
        var (offset, left) = (range.offset, range.length)
        while left > 0 {
            try send(NBDCommand.blockStatus, ByteRange(offset: offset, length: min(left, NBDLimit.rangeByteCount)))
            let before = left
            while true {
                let chunk = try nextChunk(limit: NBDLimit.chunkByteCount)
                if chunk.type == NBDChunk.blockStatus {
                    for extent in try extents(chunk.body) {
                        // The last one may be longer than what was asked for.
                        let length = min(UInt64(extent.length), left)
                        guard length > 0 else { continue }
                        if !extent.isZero { found.append(ByteRange(offset: offset, length: length)) }
                        (offset, left) = (offset + length, left - length)
                    }
                } else if chunk.type != NBDChunk.none {
                    throw DiskFailure.notNBD
                }
                if chunk.isLast { break }
            }
            guard left < before else { throw DiskFailure.notNBD }
        }
        return found
    }

    /// Says good-bye; nothing is answered.
    mutating func end() {
        try? send(NBDCommand.disconnect, ByteRange(offset: 0, length: 0))
    }

    private struct Chunk {
        let type: UInt16
        let body: [UInt8]
        let isLast: Bool
    }

    private func extents(_ body: [UInt8]) throws(DiskFailure) -> [(length: UInt32, isZero: Bool)] {
        var reader = ByteReader(body)
        guard (try? reader.uint32()) == agreement.allocationContext, reader.remaining % 8 == 0 else { throw DiskFailure.notNBD }
        var extents: [(length: UInt32, isZero: Bool)] = []
        while reader.remaining > 0 {
            guard let length = try? reader.uint32(), let flags = try? reader.uint32() else { throw DiskFailure.notNBD }
            extents.append((length, flags & NBDAllocation.zero != 0))
        }
        return extents
    }

    private mutating func send(_ command: UInt16, _ range: ByteRange, flags: UInt16 = 0) throws(DiskFailure) {
        guard range.offset <= agreement.byteCount, range.length <= agreement.byteCount - range.offset else {
            throw DiskFailure(.badCommand, "the range is not within the disk")
        }
        cookie &+= 1
        var message = ByteWriter()
        message.write(NBDMagic.request)
        message.write(flags)
        message.write(command)
        message.write(cookie)
        message.write(range.offset)
        message.write(UInt32(clamping: range.length))
        try wire.send(message.bytes)
    }

    /// Takes the answer to a command that asks for nothing back.
    private func finish() throws(DiskFailure) {
        while true {
            let chunk = try nextChunk(limit: NBDLimit.chunkByteCount)
            guard chunk.type == NBDChunk.none else { throw DiskFailure.notNBD }
            if chunk.isLast { return }
        }
    }

    /// - Parameter limit: The most bytes that a chunk may have.
    private func nextChunk(limit: Int) throws(DiskFailure) -> Chunk {
        do {
            var magic = ByteReader(try wire.receive(4))
            switch try magic.uint32() {
            case NBDMagic.simpleReply:
                var header = ByteReader(try wire.receive(12))
                let error = try header.uint32()
                guard try header.uint64() == cookie else { throw DiskFailure.notNBD }
                guard error == 0 else { throw DiskFailure.refused(error) }
                return Chunk(type: NBDChunk.none, body: [], isLast: true)
            case NBDMagic.structuredReply:
                var header = ByteReader(try wire.receive(16))
                let (flags, type) = (try header.uint16(), try header.uint16())
                guard try header.uint64() == cookie else { throw DiskFailure.notNBD }
                let length = try header.uint32()
                guard length <= limit else { throw DiskFailure.notNBD }
                let body = try wire.receive(Int(length))
                if type & NBDChunk.error != 0 {
                    var reader = ByteReader(body)
                    throw DiskFailure.refused(try reader.uint32())
                }
                return Chunk(type: type, body: body, isLast: flags & NBDChunk.done != 0)
            default: throw DiskFailure.notNBD
            }
        } catch let failure as DiskFailure {
            throw failure
        } catch {
            throw DiskFailure.notNBD
        }
    }
}

extension DiskFailure {
    fileprivate static let tooLong = DiskFailure(.badCommand, "the range is too long for one command")

    /// - Parameter code: One of Linux's errno values, which the protocol adopted.
    fileprivate static func refused(_ code: UInt32) -> DiskFailure {
        switch code {
        case 1: DiskFailure(.badCommand, "the disk is open for reading only")
        case 28: DiskFailure(.noSpace, "its host's file system is full")
        default: DiskFailure(.system, "its host could not do the input or output (error \(code))")
        }
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
