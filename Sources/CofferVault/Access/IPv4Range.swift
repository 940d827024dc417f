/// An IPv4 address, or all addresses that begin with the same bits (RFC 4632), as a firewall rule names them.
struct IPv4Range: Equatable, Sendable {
    private let first: UInt32
    private let mask: UInt32

    /// - Returns: nil unless `text` is four decimal bytes with dots, and perhaps a prefix length of 0 to 32. Bits after the prefix are
    ///   passed over.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 1 || parts.count == 2, let address = Self.address(parts[0]) else { return nil }
        var length = 32
        if parts.count == 2 {
            guard let number = Self.number(parts[1]), number <= 32 else { return nil }
            length = number
        }
        mask = length == 0 ? 0 : UInt32.max << UInt32(32 - length)
        first = address & mask
    }

    func contains(_ address: IPv4Address) -> Bool { address.bits & mask == first }

    /// Four decimal bytes with dots as one number.
    fileprivate static func address(_ text: Substring) -> UInt32? {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false)
        guard bytes.count == 4 else { return nil }
        var address: UInt32 = 0
        for byte in bytes {
            guard let number = number(byte), number <= 255 else { return nil }
            address = address << 8 | UInt32(number)
        }
        return address
    }

    /// One to three decimal digits and nothing else.
    private static func number(_ text: Substring) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text)
    }
}

/// The address of a client that a firewall rule can name.
struct IPv4Address: Equatable, Sendable {
    fileprivate let bits: UInt32

    /// Takes an IPv4 address, one that is mapped into IPv6 (`::ffff:203.0.113.5`, RFC 4291 section 2.5.5.2), and IPv6's loopback
    /// address, which is the same client as 127.0.0.1.
    ///
    /// - Returns: nil for every other address.
    init?(client text: String) {
        let mapped = "::ffff:"
        let text = text == "::1" ? "127.0.0.1" : text.lowercased().hasPrefix(mapped) ? String(text.dropFirst(mapped.count)) : text
        guard let bits = IPv4Range.address(text[...]) else { return nil }
        self.bits = bits
    }
}

extension IPv4Address: CustomStringConvertible {
    var description: String { [24, 16, 8, 0].map { String(bits >> $0 & 255) }.joined(separator: ".") }
}
