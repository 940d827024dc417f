/// Ids for the requests of one connection, each a version 4 UUID (RFC 9562 section 5.4): random bits for the connection, and a
/// count from a random start.
struct RequestIDs {
    private let high = UInt64.random(in: 0 ... .max)
    private var low = UInt64.random(in: 0 ... .max)

    /// Lower case, with hyphens.
    mutating func next() -> String {
        low &+= 1
        let bits: InlineArray<2, UInt64> = [high & ~0xF000 | 0x4000, low & ~(0b11 << 62) | 0b10 << 62]
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for digit in 0..<32 {
            if digit == 8 || digit == 12 || digit == 16 || digit == 20 { text.append(UInt8(ascii: "-")) }
            let value = UInt8(truncatingIfNeeded: bits[digit >> 4] >> UInt64(60 - 4 * (digit & 15))) & 15
            text.append(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
