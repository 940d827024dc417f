/// Comparisons whose duration tells nothing of the bytes compared.
package enum ConstantTime {
    /// Whether both spans hold the same bytes; spans of different lengths differ at once.
    package static func equal(_ left: RawSpan, _ right: RawSpan) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        var difference: UInt8 = 0
        for offset in 0..<left.byteCount {
            let mine = unsafe left.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            let theirs = unsafe right.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            difference |= mine ^ theirs
        }
        return difference == 0
    }

    /// Whether both arrays hold the same bytes; arrays of different lengths differ at once.
    package static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        unsafe equal(left.span.bytes, right.span.bytes)
    }
}
