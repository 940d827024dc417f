/// The part of OData's `$filter` (OData 4.01 URL conventions, section 5.1.1) that clients of the directory and of role
/// assignments send: terms joined by `and`.
struct ODataFilter: Equatable {
    enum Term: Equatable {
        /// `property eq 'value'`
        case equal(property: String, value: String)
        /// `name('argument', …)`, such as `atScope()` or `startswith(displayName,'x')`
        case call(name: String, arguments: [String])
        /// `collection/any(c:c eq 'value')`
        case any(collection: String, value: String)
    }

    let terms: [Term]

    /// The longest filter that is looked at, in bytes.
    static let maximumByteCount = 4096

    /// - Returns: nil if `text` is anything else than such terms.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumByteCount else { return nil }
        var terms: [Term] = []
        for part in Self.split(text, by: " and ") {
            let part = Self.trimmed(part)
            guard let term = Self.any(part) ?? Self.equality(part) ?? Self.call(part) else { return nil }
            terms.append(term)
        }
        self.terms = terms
    }

    private static func any(_ text: Substring) -> Term? {
        let sides = split(String(text), by: "/any(")
        guard sides.count == 2, sides[1].hasSuffix(")"), isName(Substring(sides[0])) else { return nil }
        let body = sides[1].dropLast()
        guard let colon = body.firstIndex(of: ":"),
            case .equal(_, let value)? = equality(trimmed(body[body.index(after: colon)...]))
        else { return nil }
        return .any(collection: sides[0], value: value)
    }

    private static func equality(_ text: Substring) -> Term? {
        let sides = split(String(text), by: " eq ")
        guard sides.count == 2 else { return nil }
        let property = trimmed(sides[0])
        guard isName(property), let value = literal(trimmed(sides[1])) else { return nil }
        return .equal(property: String(property), value: value)
    }

    private static func call(_ text: Substring) -> Term? {
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "("), isName(text[..<open]) else { return nil }
        let inside = text[text.index(after: open)...].dropLast()
        guard !trimmed(inside).isEmpty else { return .call(name: String(text[..<open]), arguments: []) }
        var arguments: [String] = []
        for part in split(String(inside), by: ",") {
            guard let value = literal(trimmed(part)) else { return nil }
            arguments.append(value)
        }
        return .call(name: String(text[..<open]), arguments: arguments)
    }

    /// A quoted string with doubled quotes undone, or a bare word.
    private static func literal(_ text: Substring) -> String? {
        guard text.first == "'" else { return isName(text) || isWord(text) ? String(text) : nil }
        guard text.count >= 2, text.last == "'" else { return nil }
        var value = ""
        var isQuotePending = false
        for character in text.dropFirst().dropLast() {
            if character == "'" {
                if isQuotePending { value.append("'") }
                isQuotePending.toggle()
            } else {
                guard !isQuotePending else { return nil }
                value.append(character)
            }
        }
        return isQuotePending ? nil : value
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "_") }
    }

    private static func isWord(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }

    private static func trimmed(_ text: some StringProtocol) -> Substring {
        var text = Substring(text)
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }

    /// Splits outside quotes, without regard to case.
    private static func split(_ text: String, by separator: String) -> [String] {
        var parts: [String] = [""]
        var isQuoted = false
        var rest = Substring(text)
        while let character = rest.first {
            if character == "'" { isQuoted.toggle() }
            if !isQuoted, rest.prefix(separator.count).lowercased() == separator {
                parts.append("")
                rest = rest.dropFirst(separator.count)
            } else {
                parts[parts.count - 1].append(character)
                rest.removeFirst()
            }
        }
        return parts
    }
}
