// modules: CofferCore CofferModel CofferNBDWire
import CofferModel
@testable import CofferNBDWire

/// A server that says the input, whatever it is asked.
private final class InputWire: ByteWire {
    var input: ArraySlice<UInt8>

    init(_ input: [UInt8]) { self.input = input[...] }

    func send(_ bytes: UnsafeRawBufferPointer) {}

    func interrupt() {}

    func receive(into bytes: UnsafeMutableRawBufferPointer) throws(NBDFailure) {
        precondition(bytes.count <= 33 << 20, "more is read than may be")
        guard bytes.count <= input.count else { throw .connection("the input has ended") }
        bytes.copyBytes(from: input.prefix(bytes.count))
        input = input.dropFirst(bytes.count)
    }
}

/// What a server says in its handshake and in answers to commands. With an even first byte the handshake goes well.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let range = ByteRange(offset: UInt64(input[0]) * 512, length: 4096)
    let wire = InputWire(input[0] % 2 == 0 ? agreed + input.dropFirst() : Array(input.dropFirst()))
    guard let session = try? NBDSession(wire, export: "d") else { return 0 }
    var bytes = [UInt8](repeating: 0, count: 4096)
    bytes.withUnsafeMutableBytes { bytes in try? session.read(into: bytes, at: range.offset) }
    if let found = try? session.extents(range) {
        var end = range.offset
        for part in found {
            precondition(part.range.offset == end && part.range.length > 0, "extents overlap or have gaps")
            end = part.range.offset + part.range.length
        }
        precondition(end == range.offset + range.length, "an extent is outside, or missing")
    }
    bytes.withUnsafeBytes { bytes in try? session.write(bytes, at: 0, isDurable: true) }
    try? session.clear(range, keepsSpace: false, isDurable: true)
    try? session.flush()
    return 0
}

private let agreed: [UInt8] = {
    func number(_ value: UInt64, _ width: Int = 8) -> [UInt8] { (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (width - 1 - $0))) } }
    func reply(_ option: UInt64, _ type: UInt64, _ body: [UInt8]) -> [UInt8] {
        number(0x0003_E889_0455_65A9) + number(option, 4) + number(type, 4) + number(UInt64(body.count), 4) + body
    }
    return number(0x4E42_444D_4147_4943) + number(0x4948_4156_454F_5054) + number(3, 2) + reply(8, 1, [])
        + reply(10, 4, number(1, 4)) + reply(10, 1, []) + reply(7, 3, number(0, 2) + number(1 << 20) + number(1, 2)) + reply(7, 1, [])
}()
