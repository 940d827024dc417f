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

    /// - Returns: nil if `text` is anything else than such terms.
    init?(_ text: String) {
        var terms: [Term] = []
        for part in Self.split(text, by: " and ") {
            guard let term = Self.term(Self.trimmed(part)) else { return nil }
            terms.append(term)
        }
        self.terms = terms
    }

    private static func term(_ text: Substring) -> Term? {
        if let inner = text.lowercased().firstRange(of: "/any("), text.hasSuffix(")") {
            // `lowercased` keeps offsets for the ASCII that a collection's name is made of; anything else is refused.
            guard text.utf8.allSatisfy({ $0 < 128 }) else { return nil }
            let lower = text.lowercased()
            let start = lower.distance(from: lower.startIndex, to: inner.lowerBound)
            let end = lower.distance(from: lower.startIndex, to: inner.upperBound)
            let body = text.dropFirst(end).dropLast()
            guard let colon = body.firstIndex(of: ":"), case .equal(_, let value)? = term(trimmed(body[body.index(after: colon)...]))
            else { return nil }
            return .any(collection: String(text.prefix(start)), value: value)
        }
        let sides = split(String(text), by: " eq ")
        if sides.count == 2 {
            let property = trimmed(sides[0])
            guard isName(property), let value = literal(trimmed(sides[1])) else { return nil }
            return .equal(property: String(property), value: value)
        }
        guard text.hasSuffix(")"), let open = text.firstIndex(of: "(") else { return nil }
        let name = text[..<open]
        guard isName(name) else { return nil }
        let inside = text[text.index(after: open)...].dropLast()
        guard !trimmed(inside).isEmpty else { return .call(name: String(name), arguments: []) }
        var arguments: [String] = []
        for part in split(String(inside), by: ",") {
            let part = trimmed(part)
            if let value = literal(part) {
                arguments.append(value)
            } else {
                return nil
            }
        }
        return .call(name: String(name), arguments: arguments)
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
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
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
