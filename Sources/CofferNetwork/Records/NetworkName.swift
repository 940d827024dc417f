import CofferModel

/// The rule for the names of resources and children of Microsoft.Network.
enum NetworkName {
    /// - Throws: ``APIError`` unless the name is 1 to 80 letters, digits, `_`, `-` and `.`, beginning with a letter or digit and ending
    ///   with one or with `_`.
    static func check(_ name: String) throws {
        func isWord(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 80, isWord(first), isWord(last) || last == UInt8(ascii: "_"),
            bytes.allSatisfy({ isWord($0) || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: ".")].contains($0) })
        else { throw APIError.networkNameInvalid(name) }
    }
}
