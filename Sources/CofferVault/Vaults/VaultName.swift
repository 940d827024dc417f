/// A vault's name: 3 to 24 letters, digits and hyphens, beginning with a letter, ending with a letter or digit, without two
/// hyphens in a row. Names compare without regard to case and are unique over all subscriptions, as they are host names.
struct VaultName: Sendable {
    let text: String
    /// The name in lower case: what equal names share.
    let key: String

    /// - Returns: nil unless `text` is such a name.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard (3...24).contains(bytes.count), bytes.allSatisfy({ $0.isNameByte }),
            !zip(bytes, bytes.dropFirst()).contains(where: { $0 == UInt8(ascii: "-") && $1 == UInt8(ascii: "-") }),
            let first = bytes.first, first.isASCIILetter, bytes.last != UInt8(ascii: "-")
        else { return nil }
        self.text = text
        key = text.lowercased()
    }
}

extension VaultName: Equatable {
    static func == (left: Self, right: Self) -> Bool { left.key == right.key }
}

extension UInt8 {
    /// `A`-`Z` or `a`-`z`.
    var isASCIILetter: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self)
    }

    /// A letter, a digit or a hyphen: what names of vaults and of their objects consist of.
    var isNameByte: Bool {
        isASCIILetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) || self == UInt8(ascii: "-")
    }
}
