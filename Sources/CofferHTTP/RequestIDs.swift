import CofferCore

/// Ids for the requests of one connection, each a version 4 UUID (RFC 9562 section 5.4): random bits for the connection, and a
/// count from a random start.
struct RequestIDs {
    private let high = UInt64.random(in: 0 ... .max)
    private var low = UInt64.random(in: 0 ... .max)

    /// Lower case, with hyphens.
    mutating func next() -> String {
        low &+= 1
        let bits = [high & ~0xF000 | 0x4000, low & ~(0b11 << 62) | 0b10 << 62]
        let digits = Hex.encode(bits.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }).utf8
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for (position, digit) in digits.enumerated() {
            if [8, 12, 16, 20].contains(position) { text.append(UInt8(ascii: "-")) }
            text.append(digit)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
