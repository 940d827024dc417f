extension DistinguishedName {
    /// Reads a name: attributes `TYPE=value`, parted by commas or semicolons, several of one rank joined by `+`. A value can stand in
    /// double quotes, in which it may hold any of these; a quote in it is doubled. `\` takes the meaning from the character after it, or
    /// gives a byte as two hexadecimal digits (RFC 4514 section 3; quotes as in RFC 2253 section 4).
    ///
    /// - Throws: ``DistinguishedNameError`` with a sentence that says what is wrong.
    package init(_ text: String) throws(DistinguishedNameError) {
        var parser = DistinguishedNameParser(text)
        relativeNames = try parser.relativeNames().reversed()
    }

    /// The name as text, which ``init(_:)`` reads back.
    package var text: String {
        relativeNames.reversed().map { attributes in attributes.map(Self.text).joined(separator: " + ") }.joined(separator: ", ")
    }

    private static func text(_ attribute: Attribute) -> String {
        let keyword = AttributeType.known.first { $0.identifier == attribute.type }?.keywords.first ?? attribute.type
        return "\(keyword)=\(quoted(attribute.value))"
    }

    private static func quoted(_ value: String) -> String {
        let specials: Set<Unicode.Scalar> = [",", ";", "+", "=", "\"", "\\", "<", ">", "#"]
        let scalars = value.unicodeScalars
        let isPlain = scalars.first != " " && scalars.last != " " && !scalars.contains { specials.contains($0) || $0.isControl }
        guard !isPlain || scalars.isEmpty else { return value }
        var text = "\""
        for scalar in scalars {
            switch scalar {
            case "\"": text += "\"\""
            case "\\": text += "\\\\"
            case _ where scalar.isControl: for byte in String(scalar).utf8 { text += "\\" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "\""
    }
}

extension Unicode.Scalar {
    fileprivate var isControl: Bool { value < 0x20 || (0x7f...0x9f).contains(value) }
}

/// Goes through a name's text once.
private struct DistinguishedNameParser {
    private let scalars: [Unicode.Scalar]
    private var index = 0

    init(_ text: String) {
        scalars = Array(text.unicodeScalars)
    }

    /// In the order of the text.
    mutating func relativeNames() throws(DistinguishedNameError) -> [[DistinguishedName.Attribute]] {
        var names: [[DistinguishedName.Attribute]] = []
        skipSpaces()
        guard peek != nil else { throw DistinguishedNameError("The subject is empty; write one such as CN=app.example.com.") }
        var current: [DistinguishedName.Attribute] = []
        while true {
            current.append(try attribute())
            switch next() {
            case nil:
                return names + [current]
            case "+": break
            default:
                names.append(current)
                current = []
            }
        }
    }

    /// One attribute, up to the separator after it or the end.
    private mutating func attribute() throws(DistinguishedNameError) -> DistinguishedName.Attribute {
        var keyword = ""
        while let scalar = peek, scalar != "=" {
            guard ![",", ";", "+", "\"", "\\"].contains(scalar) else {
                throw DistinguishedNameError("The subject has '\(keyword)' without '='; each part is TYPE=value, such as CN=app.example.com.")
            }
            keyword.unicodeScalars.append(scalar)
            index += 1
        }
        keyword = String(keyword.drop { $0 == " " })
        while keyword.last == " " { keyword.removeLast() }
        guard next() == "=" else {
            throw DistinguishedNameError("The subject has '\(keyword.prefix(80))' without '='; each part is TYPE=value, such as CN=app.example.com.")
        }
        guard let type = AttributeType.named(keyword) else {
            throw DistinguishedNameError("The subject has the attribute type '\(keyword.prefix(80))', which is not known; use one such as CN, O, OU, L, ST, C, "
                + "or an object identifier with dots.")
        }
        let value = try value(of: keyword)
        guard type.lengths.contains(value.unicodeScalars.count) else {
            let lengths = type.lengths
            let bounds = lengths.count == 1 ? "\(lengths.lowerBound)" : "\(lengths.lowerBound) to \(lengths.upperBound)"
            throw DistinguishedNameError("The value of \(keyword.prefix(80)) in the subject must have \(bounds) characters.")
        }
        guard !type.isASCII || value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw DistinguishedNameError("The value of \(keyword.prefix(80)) in the subject must be ASCII.")
        }
        return DistinguishedName.Attribute(type: type.identifier, value: value)
    }

    private mutating func value(of keyword: String) throws(DistinguishedNameError) -> String {
        skipSpaces()
        if peek == "#" {
            throw DistinguishedNameError("The value of \(keyword) in the subject begins with '#'; write values as text, and that character as \\#.")
        }
        var bytes: [UInt8] = []
        // Length up to which spaces at the end were written on purpose.
        var kept = 0
        let isQuoted = peek == "\""
        if isQuoted { index += 1 }
        while let scalar = peek {
            if scalar == "\"" {
                guard isQuoted else {
                    throw DistinguishedNameError("The value of \(keyword) in the subject has a quote inside; put the whole value into quotes and double it.")
                }
                index += 1
                guard peek == "\"" else { return try closed(bytes, keyword) }
            } else if !isQuoted, [",", ";", "+"].contains(scalar) {
                return try string(Array(bytes.prefix(kept)), keyword)
            } else if scalar == "\\" {
                index += 1
                bytes += try escaped(keyword)
                kept = bytes.count
                continue
            }
            index += 1
            bytes += Array(String(scalar).utf8)
            if scalar != " " { kept = bytes.count }
        }
        guard !isQuoted else { throw DistinguishedNameError("The value of \(keyword) in the subject has no closing quote.") }
        return try string(Array(bytes.prefix(kept)), keyword)
    }

    /// What comes after a closing quote: nothing before the next separator.
    private mutating func closed(_ bytes: [UInt8], _ keyword: String) throws(DistinguishedNameError) -> String {
        skipSpaces()
        guard peek.map({ [",", ";", "+"].contains($0) }) ?? true else {
            throw DistinguishedNameError("The value of \(keyword) in the subject goes on after its closing quote.")
        }
        return try string(bytes, keyword)
    }

    private mutating func escaped(_ keyword: String) throws(DistinguishedNameError) -> [UInt8] {
        guard let first = next() else { throw DistinguishedNameError("The subject ends with a backslash.") }
        guard let high = first.hexDigit else { return Array(String(first).utf8) }
        guard let low = next()?.hexDigit else {
            throw DistinguishedNameError("A backslash in the value of \(keyword) must stand before a special character or two hexadecimal digits.")
        }
        return [high << 4 | low]
    }

    private func string(_ bytes: [UInt8], _ keyword: String) throws(DistinguishedNameError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw DistinguishedNameError("The value of \(keyword) in the subject is not text.")
        }
        return text
    }

    private var peek: Unicode.Scalar? { scalars.indices.contains(index) ? scalars[index] : nil }

    private mutating func next() -> Unicode.Scalar? {
        guard let scalar = peek else { return nil }
        index += 1
        return scalar
    }

    private mutating func skipSpaces() {
        while peek == " " { index += 1 }
    }
}

extension Unicode.Scalar {
    fileprivate var hexDigit: UInt8? {
        isASCII ? Character(self).hexDigitValue.map { UInt8($0) } : nil
    }
}
