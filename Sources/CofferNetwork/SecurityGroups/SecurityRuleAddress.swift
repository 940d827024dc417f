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
