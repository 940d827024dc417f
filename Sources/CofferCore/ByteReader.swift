/// A cursor over bytes from outside. It never traps: what is not there is an error.
///
/// All multi-byte integers are big-endian, as NBD and Coffer's own formats have them.
package struct ByteReader {
    /// Thrown when fewer bytes are left than were asked for.
    package struct Truncated: Error, Equatable {
        package let wanted: Int
        package let left: Int
    }

    private let bytes: [UInt8]
    /// Bytes read so far.
    package private(set) var position = 0

    package init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Bytes not read yet.
    package var remaining: Int { bytes.count - position }

    package mutating func read(_ count: Int) throws(Truncated) -> [UInt8] {
        guard count >= 0, count <= remaining else { throw Truncated(wanted: count, left: remaining) }
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    package mutating func uint8() throws(Truncated) -> UInt8 { try integer(UInt8.self) }
    package mutating func uint16() throws(Truncated) -> UInt16 { try integer(UInt16.self) }
    package mutating func uint32() throws(Truncated) -> UInt32 { try integer(UInt32.self) }
    package mutating func uint64() throws(Truncated) -> UInt64 { try integer(UInt64.self) }

    private mutating func integer<I: FixedWidthInteger & UnsignedInteger>(_: I.Type) throws(Truncated) -> I {
        let width = MemoryLayout<I>.size
        guard width <= remaining else { throw Truncated(wanted: width, left: remaining) }
        var value: I = 0
        for offset in 0..<width {
            value = (width == 1 ? 0 : value << 8) | I(bytes[position + offset])
        }
        position += width
        return value
    }
}
