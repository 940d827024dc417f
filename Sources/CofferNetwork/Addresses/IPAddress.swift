/// An IPv4 or IPv6 address (RFC 791, RFC 4291).
struct IPAddress: Hashable, Sendable {
    enum Version: String, Sendable, CaseIterable {
        case v4 = "IPv4"
        case v6 = "IPv6"

        /// How many bits an address has.
        var width: Int { self == .v4 ? 32 : 128 }
    }

    let version: Version
    /// The address as a number, its last bit the lowest.
    let bits: UInt128

    init(_ version: Version, bits: UInt128) {
        self.version = version
        self.bits = bits
    }

    /// An IPv4 address by its four bytes.
    init(_ first: UInt8, _ second: UInt8, _ third: UInt8, _ fourth: UInt8) {
        self.init(.v4, bits: [first, second, third, fourth].reduce(0) { $0 << 8 | UInt128($1) })
    }

    /// - Returns: nil unless `text` is four decimal bytes with dots, without leading zeros, or the groups of an IPv6 address without a zone.
    init?(_ text: some StringProtocol) {
        let text = String(text)
        guard text.utf8.count <= 45 else { return nil }
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let bits = Self.sixteenBytes(text) else { return nil }
            self.init(.v6, bits: bits)
        } else {
            guard let bits = Self.fourBytes(text) else { return nil }
            self.init(.v4, bits: bits)
        }
    }

    private static func fourBytes(_ text: String) -> UInt128? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt128 = 0
        for part in parts {
            guard let byte = DecimalNumber.read(part), byte <= 255 else { return nil }
            bits = bits << 8 | UInt128(byte)
        }
        return bits
    }

    /// The groups before and behind `::`, of which there is one at most.
    private static func sixteenBytes(_ text: String) -> UInt128? {
        let halves = text.split(separator: "::", omittingEmptySubsequences: false)
        guard (1...2).contains(halves.count), let head = groups(halves[0], mayEndInBytes: halves.count == 1) else { return nil }
        guard halves.count == 2 else { return head.count == 8 ? joined(head) : nil }
        guard let tail = groups(halves[1], mayEndInBytes: true), head.count + tail.count < 8 else { return nil }
        return joined(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
    }

    private static func joined(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(0) { $0 << 16 | UInt128($1) }
    }

    private static func groups(_ text: Substring, mayEndInBytes: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndInBytes, index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let bytes = fourBytes(String(part)) else { return nil }
                groups += [UInt16(truncatingIfNeeded: bytes >> 16), UInt16(truncatingIfNeeded: bytes)]
            } else {
                // The sign that an initializer from text takes is no part of an address.
                guard (1...4).contains(part.utf8.count), part.utf8.first != UInt8(ascii: "+"), let group = UInt16(part, radix: 16) else {
                    return nil
                }
                groups.append(group)
            }
        }
        return groups
    }
}

extension IPAddress: CustomStringConvertible {
    /// As RFC 5952 writes it.
    var description: String {
        guard version == .v6 else { return [24, 16, 8, 0].map { String(UInt8(truncatingIfNeeded: bits >> $0)) }.joined(separator: ".") }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: bits >> UInt128(16 * (7 - $0))) }
        let gap = Self.longestGap(in: groups)
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard gap.count >= 2 else { return text(groups[...]) }
        return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
    }

    /// The first of the longest runs of zeros.
    private static func longestGap(in groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 }
            if index + 1 - start > best.count { best = start..<(index + 1) }
        }
        return best
    }
}
