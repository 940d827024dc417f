/// Decimal numbers as addresses, prefixes and ports write them.
enum DecimalNumber {
    /// - Returns: nil unless `text` is one to five digits without leading zeros.
    static func read(_ text: some StringProtocol) -> Int? {
        let bytes = text.utf8
        guard (1...5).contains(bytes.count), bytes.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            bytes.count == 1 || bytes.first != UInt8(ascii: "0")
        else { return nil }
        return Int(text)
    }
}
