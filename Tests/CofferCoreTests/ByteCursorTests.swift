@testable import CofferCore
import CofferTesting
import Testing

@Suite struct ByteCursorTests {
    @Test func integersAreBigEndian() throws {
        var writer = ByteWriter()
        writer.write(UInt8(0x01))
        writer.write(UInt16(0x0203))
        writer.write(UInt32(0x0405_0607))
        writer.write(UInt64(0x0809_0a0b_0c0d_0e0f))
        writer.write([0x10, 0x11])
        #expect(writer.bytes == Array(1...0x11))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.uint8() == 0x01)
        #expect(try reader.uint16() == 0x0203)
        #expect(try reader.uint32() == 0x0405_0607)
        #expect(try reader.uint64() == 0x0809_0a0b_0c0d_0e0f)
        #expect(try reader.read(2) == [0x10, 0x11])
        #expect(reader.remaining == 0)
        #expect(reader.position == 17)
    }

    @Test(arguments: [UInt64.min, 1, 0x8000_0000_0000_0000, .max])
    func extremesComeBack(value: UInt64) throws {
        var writer = ByteWriter()
        writer.write(value)
        writer.write(UInt8(truncatingIfNeeded: value))
        var reader = ByteReader(writer.bytes)
        #expect(try reader.uint64() == value)
        #expect(try reader.uint8() == UInt8(truncatingIfNeeded: value))
    }

    @Test func whatIsNotThereIsAnErrorAndMovesNothing() throws {
        var reader = ByteReader([1, 2, 3])
        _ = try reader.uint8()
        #expect(throws: ByteReader.Truncated(wanted: 4, left: 2)) { try reader.uint32() }
        #expect(throws: ByteReader.Truncated(wanted: 8, left: 2)) { try reader.uint64() }
        #expect(throws: ByteReader.Truncated(wanted: 3, left: 2)) { try reader.read(3) }
        #expect(throws: ByteReader.Truncated(wanted: Int.max, left: 2)) { try reader.read(.max) }
        #expect(throws: ByteReader.Truncated(wanted: -1, left: 2)) { try reader.read(-1) }
        #expect(throws: ByteReader.Truncated(wanted: Int.min, left: 2)) { try reader.read(.min) }
        #expect(reader.position == 1)
        #expect(try reader.read(0) == [])
        #expect(try reader.uint16() == 0x0203)
        #expect(throws: ByteReader.Truncated(wanted: 1, left: 0)) { try reader.uint8() }
    }

    @Test(arguments: 0..<64 as Range<UInt64>)
    func anySequenceOfReadsOfAnyBytesEndsWell(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(Int.random(in: 0...40, using: &random))
        var reader = ByteReader(bytes)
        for _ in 0..<50 {
            let before = reader.position
            do throws(ByteReader.Truncated) {
                switch Int.random(in: 0..<5, using: &random) {
                case 0: _ = try reader.uint8()
                case 1: _ = try reader.uint16()
                case 2: _ = try reader.uint32()
                case 3: _ = try reader.uint64()
                default:
                    let count = Int.random(in: -3...20, using: &random)
                    #expect(try reader.read(count) == Array(bytes[before..<before + count]))
                }
                #expect(reader.position >= before)
            } catch {
                #expect(reader.position == before)
                #expect(error.left == bytes.count - before)
            }
            #expect(reader.position + reader.remaining == bytes.count)
        }
    }
}
