import CofferModel

/// Functions of IPv4 networks in CIDR notation.
enum NetworkFunctions {
    static let all: [String: TemplateFunction] = [
        "parseCidr": .of(1) { arguments in
            let network = try IPv4Network(arguments)
            let (first, last) = (network.address, network.address | ~network.mask)
            return [
                "network": .string(text(first)), "netmask": .string(text(network.mask)), "broadcast": .string(text(last)),
                "firstUsable": .string(text(network.length < 31 ? first + 1 : first)),
                "lastUsable": .string(text(network.length < 31 ? last - 1 : last)), "cidr": .int(Int64(network.length)),
            ]
        },
        "cidrSubnet": .of(3) { arguments in
            let network = try IPv4Network(arguments)
            let (length, index) = (try arguments.int(1), try arguments.int(2))
            guard length >= network.length, length <= 32, index >= 0, index < 1 << (length - Int64(network.length)) else {
                throw arguments.failure("the network has no such subnet")
            }
            return .string("\(text(network.address + UInt32(index << (32 - length))))/\(length)")
        },
        "cidrHost": .of(2) { arguments in
            let network = try IPv4Network(arguments)
            let index = try arguments.int(1)
            let first: Int64 = network.length < 31 ? 1 : 0
            guard index >= 0, index < (1 << (32 - Int64(network.length))) - 2 * first else { throw arguments.failure("the network has no such host") }
            return .string(text(network.address + UInt32(index + first)))
        },
    ]

    private static func text(_ address: UInt32) -> String {
        [24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }.joined(separator: ".")
    }
}

private struct IPv4Network {
    /// With the bits of hosts at zero.
    let address: UInt32
    let length: Int
    var mask: UInt32 { length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length) }

    /// The first argument of a call.
    init(_ arguments: FunctionArguments) throws {
        let parts = try arguments.string(0).split(separator: "/", omittingEmptySubsequences: false)
        let octets = (parts.first ?? "").split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 2, let length = Int(parts[1]), (0...32).contains(length), octets.count == 4, octets.allSatisfy({ $0 != nil }) else {
            throw arguments.failure("its argument 1 is no IPv4 network such as '10.144.0.0/20'; IPv6 is not supported")
        }
        self.length = length
        let whole = octets.reduce(UInt32(0)) { $0 << 8 | UInt32($1 ?? 0) }
        address = length == 0 ? 0 : whole & (~UInt32(0) << UInt32(32 - length))
    }
}
