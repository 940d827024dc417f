/// Collects bytes; multi-byte integers are written big-endian, the counterpart of ``ByteReader``.
package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func write(_ more: some Sequence<UInt8>) {
        bytes.append(contentsOf: more)
    }

    package mutating func write<I: FixedWidthInteger & UnsignedInteger>(_ value: I) {
        for shift in stride(from: I.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> I(shift)))
        }
    }
}
