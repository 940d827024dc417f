/// All addresses that begin with the same bits, in CIDR notation (RFC 4632): `10.0.0.0/16`, `fd00::/64`.
struct AddressPrefix: Hashable, Sendable {
    /// As it was written; ``first`` unless there are bits behind the prefix.
    let address: IPAddress
    let length: Int

    /// - Parameter text: An address, a slash and a length in bits.
    /// - Returns: nil for anything else.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), let length = DecimalNumber.read(parts[1]) else { return nil }
        self.init(address, length: length)
    }

    /// - Returns: nil if an address of this version has fewer bits.
    init?(_ address: IPAddress, length: Int) {
        guard (0...address.version.width).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// One address alone.
    init(only address: IPAddress) {
        self.address = address
        length = address.version.width
    }

    var version: IPAddress.Version { address.version }

    private var hostMask: UInt128 {
        let count = version.width - length
        return count == 0 ? 0 : UInt128.max >> UInt128(128 - count)
    }

    var first: IPAddress { IPAddress(version, bits: address.bits & ~hostMask) }
    var last: IPAddress { IPAddress(version, bits: address.bits | hostMask) }

    /// The same prefix as it should be written, with no bits behind it.
    var canonical: AddressPrefix { AddressPrefix(first, length: length) ?? self }

    func contains(_ other: IPAddress) -> Bool {
        other.version == version && (first.bits...last.bits).contains(other.bits)
    }

    func contains(_ other: AddressPrefix) -> Bool {
        contains(other.first) && contains(other.last)
    }

    func overlaps(_ other: AddressPrefix) -> Bool {
        contains(other.first) || other.contains(first)
    }

    /// The addresses that a network interface can have: not the first four, of which Azure keeps the network's own, the gateway's and two
    /// of its DNS, and not the last. Nil if none is left.
    var usable: ClosedRange<UInt128>? {
        guard last.bits - first.bits >= 5 else { return nil }
        return (first.bits + 4)...(last.bits - 1)
    }
}

extension AddressPrefix: CustomStringConvertible {
    var description: String { "\(address)/\(length)" }
}
