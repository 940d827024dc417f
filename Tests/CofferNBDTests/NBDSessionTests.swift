import CofferModel
import Testing

@testable import CofferNBDWire

/// A server that says what a test wrote down, whatever it is asked.
private final class ScriptedWire: ByteWire {
    private var script: ArraySlice<UInt8>
    private(set) var sent: [UInt8] = []

    init(_ script: [UInt8]) { self.script = script[...] }

    func send(_ bytes: UnsafeRawBufferPointer) { unsafe sent += bytes }

    func interrupt() {}

    func receive(into bytes: UnsafeMutableRawBufferPointer) throws(NBDFailure) {
        guard bytes.count <= script.count else { throw .connection("the script has ended") }
        unsafe bytes.copyBytes(from: script.prefix(bytes.count))
        script = script.dropFirst(bytes.count)
    }
}

extension NBDSession {
    fileprivate func read(_ range: ByteRange) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0xEE, count: Int(range.length))
        try unsafe bytes.withUnsafeMutableBytes { bytes in try unsafe read(into: bytes, at: range.offset) }
        return bytes
    }
}

private func u64(_ value: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * $0)) } }

private func reply(_ option: UInt64, _ kind: UInt64, _ body: [UInt8]) -> [UInt8] {
    u64(0x0003_E889_0455_65A9) + u64(option << 32 | kind) + u64(UInt64(body.count)).suffix(4) + body
}

@Suite("What a server of disks may say")
struct NBDSessionTests {
    private static let greeting = u64(0x4E42_444D_4147_4943) + u64(0x4948_4156_454F_5054) + [0, 3]
    private static let agreed = greeting + reply(8, 1, [])
        + reply(10, 4, [0, 0, 0, 9] + Array("base:allocation".utf8)) + reply(10, 1, [])
        + reply(7, 3, [0, 0] + u64(1 << 20) + [0, 1]) + reply(7, 1, [])

    private static func chunk(_ type: UInt16, _ body: [UInt8], flags: UInt16 = 1, cookie: UInt64 = 1) -> [UInt8] {
        [0x66, 0x8E, 0x33, 0xEF, 0, UInt8(flags), UInt8(type >> 8), UInt8(type & 255)] + u64(cookie)
            + Array(u64(UInt64(body.count)).suffix(4)) + body
    }

    @Test("A read is put together from data and holes in any order")
    func pieces() throws {
        let answer = Self.chunk(1, u64(102) + [8, 9], flags: 0) + Self.chunk(2, u64(100) + [0, 0, 0, 2], flags: 0) + Self.chunk(0, [])
        let session = try NBDSession(ScriptedWire(Self.agreed + answer), export: "d")
        #expect(session.agreement == NBDAgreement(byteCount: 1 << 20, allocationContext: 9))
        #expect(try session.read(ByteRange(offset: 100, length: 4)) == [0, 0, 8, 9])
    }

    @Test("Answers that make no sense are failures", arguments: [
        chunk(1, u64(99) + [1, 2, 3, 4]), chunk(1, u64(101) + [1, 2, 3, 4]), chunk(1, u64(100) + [1, 2]), chunk(1, [1]),
        chunk(2, u64(100) + [0xFF, 0xFF, 0xFF, 0xFF]), chunk(2, u64(.max) + [0, 0, 0, 1]), chunk(5, [0, 0, 0, 9]),
        chunk(1, u64(100) + [1, 2, 3, 4], cookie: 2), chunk(0, []), chunk(0x8001, []), [1, 2, 3, 4], [],
        chunk(1, u64(100) + [1, 2, 3, 4], flags: 0) + chunk(1, u64(100) + [1, 2, 3, 4]),
    ])
    func badAnswers(answer: [UInt8]) throws {
        let session = try NBDSession(ScriptedWire(Self.agreed + answer), export: "d")
        #expect(throws: NBDFailure.self) { try session.read(ByteRange(offset: 100, length: 4)) }
    }

    @Test("Whatever is not NBD is refused", arguments: [
        [], [UInt8](repeating: 0, count: 400), greeting.dropLast(2) + [0, 0], greeting + reply(8, 0x8000_0001, []),
        greeting + reply(7, 1, []), greeting + u64(0x0003_E889_0455_65A9) + [0, 0, 0, 8, 0, 0, 0, 1, 255, 255, 255, 255],
    ] as [[UInt8]])
    func badGreetings(greeting: [UInt8]) throws {
        #expect(throws: NBDFailure.self) { try NBDSession(ScriptedWire(greeting), export: "d") }
    }

    @Test("A command that failed leaves the connection in order, after all chunks of its answer")
    func failedCommand() throws {
        let failed = Self.chunk(0x8001, [0, 0, 0, 5, 0, 0], flags: 0) + Self.chunk(0, [])
        let session = try NBDSession(ScriptedWire(Self.agreed + failed + Self.chunk(1, u64(100) + [7], cookie: 2)), export: "d")
        #expect(throws: NBDFailure.command(5)) { try session.read(ByteRange(offset: 100, length: 4)) }
        #expect(try session.read(ByteRange(offset: 100, length: 1)) == [7])
        #expect(throws: NBDFailure.badRange) { try session.read(ByteRange(offset: 1 << 20, length: 1)) }
    }

    @Test("Extents that lead nowhere end the question")
    func emptyExtents() throws {
        let session = try NBDSession(ScriptedWire(Self.agreed + Self.chunk(5, [0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0])), export: "d")
        #expect(throws: NBDFailure.self) { try session.extents(ByteRange(offset: 0, length: 4096)) }
    }
}
