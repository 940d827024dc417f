import COpenSSL

/// A name for which a certificate stands besides its subject (RFC 5280 section 4.2.1.6).
package enum SubjectName: Hashable, Sendable {
    /// A host name in ASCII; the first label may be `*`.
    case dns(String)
    /// The 4 bytes of an IPv4 address or the 16 of an IPv6 address.
    case ip([UInt8])
    /// A mail address in ASCII.
    case email(String)
    /// A user principal name such as `ada@example.com` (object identifier 1.3.6.1.4.1.311.20.2.3).
    case user(String)

    /// What server `text` names: an address where it reads as one, a host otherwise. Nil where it can be neither.
    package init?(_ text: String) {
        if let address = Self.address(text) {
            self = .ip(address)
        } else if Self.isHostName(text) {
            self = .dns(text)
        } else {
            return nil
        }
    }

    private static func address(_ text: String) -> [UInt8]? {
        // OpenSSL would read a C string, and so stop at a zero byte.
        guard !text.utf8.contains(0), let octets = unsafe a2i_IPADDRESS(text) else {
            ERR_clear_error()
            return nil
        }
        defer { unsafe ASN1_OCTET_STRING_free(octets) }
        guard let start = unsafe ASN1_STRING_get0_data(octets) else { return nil }
        return unsafe Array(UnsafeBufferPointer(start: start, count: Int(ASN1_STRING_length(octets))))
    }

    /// Whether `text` is a host name of RFC 1123 section 2.1, or a wildcard of RFC 6125 section 6.4.3. A name of digits and
    /// dots alone is a mistyped address.
    private static func isHostName(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        var labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)[...]
        if labels.count > 1, labels.first.map({ Array($0) }) == [UInt8(ascii: "*")] { labels = labels.dropFirst() }
        guard let last = labels.last, !last.allSatisfy(isDigit) else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isDigit($0) || isLetter($0) || $0 == hyphen }
        }
    }

    private static let hyphen = UInt8(ascii: "-")

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
