import CofferModel

/// The ports of a rule: `22`, `8000-8100`, or `*`.
struct PortRange: Equatable, Sendable {
    let ports: ClosedRange<UInt16>

    /// - Returns: nil for anything else.
    init?(_ text: String) {
        if text == "*" {
            ports = 0...UInt16.max
            return
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { DecimalNumber.read($0).flatMap { UInt16(exactly: $0) } }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else { return nil }
        ports = first...last
    }
}

/// The addresses of a rule: all of them, a prefix, or a service tag such as `VirtualNetwork`.
enum SecurityRuleAddress: Equatable, Sendable {
    case any
    case prefix(AddressPrefix)
    /// In lower case.
    case tag(String)

    /// - Returns: nil for anything else. An address alone is a prefix of its whole length.
    init?(_ text: String) {
        if text == "*" || text.lowercased() == "any" {
            self = .any
        } else if let address = IPAddress(text) {
            self = .prefix(AddressPrefix(only: address))
        } else if let prefix = AddressPrefix(text) {
            self = .prefix(prefix)
        } else {
            func isLetter(_ byte: UInt8) -> Bool {
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            }
            func isPart(_ byte: UInt8) -> Bool {
                isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: ".")
            }
            guard (1...80).contains(text.utf8.count), text.utf8.first.map(isLetter) ?? false, text.utf8.allSatisfy(isPart) else { return nil }
            self = .tag(text.lowercased())
        }
    }
}

extension APIError {
    static func securityRulePriority(_ value: JSONValue) -> APIError {
        let text = value.int.map(String.init) ?? value.string.map { String($0.prefix(20)) } ?? ""
        return APIError(
            status: 400, code: "SecurityRuleInvalidPriority",
            message: "Security rule has invalid Priority. Value provided: \(text) Allowed range 100-4096.", target: "priority")
    }

    static func securityRulesConflict(_ name: String, _ other: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleConflict",
            message: "Security rule \(name) conflicts with rule \(other). Rules cannot have the same Priority and Direction.")
    }

    static func securityRulePorts(_ text: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleInvalidPortRange",
            message: "Security rule has invalid Port range. Value provided: \(text.prefix(40)). Value should be an integer OR integer range with '-' "
                + "delimiter. Valid range 0-65535.")
    }

    static func securityRuleAddress(_ text: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleInvalidAddressPrefix",
            message: "Security rule has invalid Address prefix. Value provided: \(text.prefix(60)). It is an address, a prefix in CIDR notation, a "
                + "service tag or '*'.")
    }
}
