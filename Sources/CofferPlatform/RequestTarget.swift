/// The parts of a request's target, decoded.
package enum RequestTarget {
    /// The segments of a path after its leading slash, each percent-decoded; nil if an escape is broken.
    package static func segments(of path: String) -> [String]? {
        var segments: [String] = []
        let slash = UInt8(ascii: "/")
        for part in path.utf8.drop(while: { $0 == slash }).split(separator: slash, omittingEmptySubsequences: false) {
            guard let text = decode(Substring(part), plusIsSpace: false) else { return nil }
            segments.append(text)
        }
        return segments == [""] ? [] : segments
    }

    /// The parameters of a query or of a form, each percent-decoded; nil if an escape is broken.
    package static func query(of text: String?) -> [(name: String, value: String)]? {
        var parameters: [(name: String, value: String)] = []
        for pair in (text ?? "").utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = parts.first.flatMap({ decode(Substring($0), plusIsSpace: true) }),
                let value = decode(parts.count == 2 ? Substring(parts[1]) : "", plusIsSpace: true)
            else { return nil }
            parameters.append((name, value))
        }
        return parameters
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String? {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || plusIsSpace && $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var escape: [UInt8]?
        for byte in text.utf8 {
            if var digits = escape {
                digits.append(byte)
                if digits.count == 2 {
                    guard let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
                    bytes.append(value)
                    escape = nil
                } else {
                    escape = digits
                }
            } else if byte == UInt8(ascii: "%") {
                escape = []
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                bytes.append(UInt8(ascii: " "))
            } else {
                bytes.append(byte)
            }
        }
        guard escape == nil else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
