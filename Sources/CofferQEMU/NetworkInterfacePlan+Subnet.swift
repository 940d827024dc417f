import CofferPlatform

/// What is told of an IPv4 subnet in other words than its prefix.
extension NetworkInterfacePlan {
    /// The subnet's second address, as Azure has it.
    var gateway: String { Self.text(base &+ 1) }
    /// The subnet's own address.
    var subnetFirst: String { Self.text(base) }
    /// Such as `255.255.255.0`.
    var subnetMask: String { Self.text(mask) }

    private var length: UInt32 { subnet.split(separator: "/").last.flatMap { UInt32($0) } ?? 32 }
    private var mask: UInt32 { length == 0 ? 0 : UInt32.max << (32 - min(length, 32)) }
    private var base: UInt32 {
        let bytes = subnet.split(separator: "/").first?.split(separator: ".").compactMap { UInt8($0) } ?? []
        return bytes.reduce(0) { $0 << 8 | UInt32($1) } & mask
    }

    private static func text(_ address: UInt32) -> String { [24, 16, 8, 0].map { "\(address >> $0 & 0xFF)" }.joined(separator: ".") }
}
