@testable import CofferBlock
@testable import CofferNBD
import CofferCore
import CofferNBDWire
import Testing

/// A client that has sent all it will send, and remembers what it is sent.
final class ScriptedStream: ByteStream {
    private var input: [UInt8]
    private let pieceByteCount: Int
    private(set) var output: [UInt8] = []
    private(set) var sendCount = 0

    init(_ input: [UInt8], pieceByteCount: Int = .max) {
        self.input = input
        self.pieceByteCount = pieceByteCount
    }

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(input.count, buffer.count, pieceByteCount)
        unsafe buffer.copyBytes(from: input[..<count])
        input.removeFirst(count)
        return count
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe output.append(contentsOf: bytes)
        sendCount += 1
        return true
    }
}

struct TransmissionTests {
    private static let size: UInt64 = 1 << 20

    /// What a client is sent in answer to `requests`.
    private static func answers(
        _ requests: [UInt8], on disk: EncryptedDisk? = nil, isStructured: Bool = true, pieceByteCount: Int = .max
    ) throws -> [UInt8] {
        let test = try TestDisk(byteCount: size, layers: 1)
        let disk = try disk ?? test.open()
        let stream = ScriptedStream(requests, pieceByteCount: pieceByteCount)
        let rules = RequestRules(
            byteCount: size, isReadOnly: disk.isReadOnly, isStructured: isStructured, reportsAllocation: isStructured)
        let channel = try disk.makeChannel()
        Transmission(stream, channel, rules, leftover: []).run()
        channel.end()
        return stream.output
    }

    private static let pattern = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ $0 >> 9) }

    @Test(arguments: [Int.max, 1000, 7])
    func whatIsWrittenIsRead(pieceByteCount: Int) throws {
        let data = Array(Self.pattern[..<20_000])
        let requests = Wire.request(1, offset: 1234, length: 20_000, cookie: 1, payload: data)
            + Wire.request(0, offset: 1234, length: 20_000, cookie: 2) + Wire.request(2)
        let answers = try Self.answers(requests, isStructured: false, pieceByteCount: pieceByteCount)
        #expect(answers == Wire.simpleReply(cookie: 1) + Wire.simpleReply(cookie: 2, data))
    }

    @Test func longReadsComeInChunks() throws {
        let requests = Wire.request(1, offset: 100, length: 300_000, cookie: 1, payload: Self.pattern) + Wire.request(0, offset: 100, length: 300_000)
        var answers = try Self.answers(requests)[16...]
        var data = [UInt8](repeating: 0, count: 300_000)
        var lastFlags: UInt16 = 0
        while !answers.isEmpty {
            var reader = ByteReader(Array(answers.prefix(28)))
            #expect(try reader.uint32() == NBDMagic.structuredReply)
            lastFlags = try reader.uint16()
            #expect(try reader.uint16() == NBDChunk.offsetData.rawValue)
            _ = try reader.uint64()
            let length = Int(try reader.uint32()) - 8
            let offset = Int(try reader.uint64()) - 100
            data.replaceSubrange(offset..<offset + length, with: answers.dropFirst(28).prefix(length))
            answers = answers.dropFirst(28 + length)
        }
        #expect(lastFlags == 1)
        #expect(data == Self.pattern)
    }

    @Test func holesAreToldAsHoles() throws {
        let answers = try Self.answers(Wire.request(0, offset: 8192, length: 65_536))
        #expect(answers == Wire.chunk(.offsetHole) { $0.write(UInt64(8192)); $0.write(UInt32(65_536)) })
    }

    @Test func aReadThatMustNotBeFragmentedComesInOneChunk() throws {
        let requests = Wire.request(1, length: 300_000, cookie: 1, payload: Self.pattern) + Wire.request(0, length: 300_000, flags: 4)
        let answers = try Self.answers(requests)
        #expect(answers == Wire.simpleReply(cookie: 1) + Wire.chunk(.offsetData) { $0.write(UInt64(0)); $0.write(Self.pattern) })
    }

    @Test func blockStatusTellsOfHolesAndData() throws {
        let requests = Wire.request(1, offset: 65_536, length: 4096, cookie: 1, payload: Array(Self.pattern[..<4096]))
            + Wire.request(7, length: 1 << 20, cookie: 2) + Wire.request(7, length: 1 << 20, flags: 8, cookie: 3)
        let answers = try Self.answers(requests)
        let all = Wire.chunk(.blockStatus, cookie: 2) { writer in
            for value: UInt32 in [1, 65_536, 3, 4096, 0, (1 << 20) - 69_632, 3] { writer.write(value) }
        }
        let one = Wire.chunk(.blockStatus, cookie: 3) { writer in for value: UInt32 in [1, 65_536, 3] { writer.write(value) } }
        #expect(answers == Wire.simpleReply(cookie: 1) + all + one)
    }

    @Test func refusedRequestsAreAnsweredAndTheNextIsServed() throws {
        let requests = Wire.request(1, offset: Self.size, length: 5, cookie: 1, payload: [1, 2, 3, 4, 5]) + Wire.request(9, cookie: 2)
            + Wire.request(0, offset: Self.size, length: 5, cookie: 3) + Wire.request(3, cookie: 4)
        let answers = try Self.answers(requests)
        let refusal = Wire.chunk(.error, cookie: 3) { $0.write(UInt32(22)); $0.write(UInt16(0)) }
        #expect(answers == Wire.simpleReply(28, cookie: 1) + Wire.simpleReply(22, cookie: 2) + refusal + Wire.simpleReply(cookie: 4))
    }

    @Test func aSuspendedDiskAnswersWithIOErrors() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let disk = try test.open()
        disk.suspend(reason: "test")
        let requests = Wire.request(1, length: 5, cookie: 1, payload: [1, 2, 3, 4, 5]) + Wire.request(0, length: 5, cookie: 2)
            + Wire.request(7, length: 5, cookie: 3) + Wire.request(3, cookie: 4) + Wire.request(4, length: 4096, cookie: 5)
            + Wire.request(6, length: 4096, cookie: 6) + Wire.request(5, length: 4096, cookie: 7)
        let failure = { (cookie: UInt64) in Wire.chunk(.error, cookie: cookie) { $0.write(UInt32(5)); $0.write(UInt16(0)) } }
        let answers = try Self.answers(requests, on: disk)
        #expect(answers == Wire.simpleReply(5, cookie: 1) + failure(2) + failure(3) + (4...7).flatMap { Wire.simpleReply(5, cookie: $0) })
        let simple = try Self.answers(Wire.request(0, length: 5) + Wire.request(3), on: disk, isStructured: false)
        #expect(simple == Wire.simpleReply(5) + Wire.simpleReply(5))
    }

    @Test func answersAreSentTogether() throws {
        let test = try TestDisk(byteCount: Self.size, layers: 1)
        let channel = try test.open().makeChannel()
        let requests = (0..<20).flatMap { Wire.request(0, offset: UInt64($0) * 4096, length: 4096, cookie: UInt64($0)) }
        let stream = ScriptedStream(requests)
        let rules = RequestRules(byteCount: Self.size, isReadOnly: false, isStructured: true, reportsAllocation: false)
        Transmission(stream, channel, rules, leftover: []).run()
        #expect(stream.output.count == 20 * 32)
        #expect(stream.sendCount == 1)
    }

    @Test(arguments: [
        Wire.request(0, length: 1, magic: 0), [1, 2, 3], Wire.request(1, length: 100, payload: [1, 2]), Wire.request(1, length: .max, payload: [1]),
    ])
    func brokenStreamsEndTheConnectionWithoutAnAnswer(bytes: [UInt8]) throws {
        #expect(try Self.answers(bytes).isEmpty)
    }

    @Test func durableWritesAndZeroesAreServed() throws {
        let requests = Wire.request(1, length: 8192, flags: 1, cookie: 1, payload: Array(Self.pattern[..<8192]))
            + Wire.request(6, offset: 100, length: 4000, flags: 3, cookie: 2) + Wire.request(4, offset: 4096, length: 4096, flags: 1, cookie: 3)
            + Wire.request(0, length: 8192, cookie: 4)
        let answers = try Self.answers(requests, isStructured: false)
        let expected = Self.pattern[..<100] + [UInt8](repeating: 0, count: 4000)
        let data = Array(expected) + [UInt8](repeating: 0, count: 8192 - 4100)
        #expect(answers == (1...3).flatMap { Wire.simpleReply(cookie: $0) } + Wire.simpleReply(cookie: 4, data))
    }
}
