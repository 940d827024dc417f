import CofferCore

/// A disk's own identity, which its directory is named by: a UUID in lower case.
package struct DiskID: Hashable, Sendable {
    /// Such as `0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0`.
    package let text: String
    /// The same as 16 bytes.
    package let bytes: [UInt8]

    /// - Returns: nil unless `text` is a UUID in its usual form, in either case.
    package init?(_ text: some StringProtocol) {
        let lengths = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        guard lengths == [8, 4, 4, 4, 12], let bytes = Hex.decode(text.split(separator: "-").joined()) else { return nil }
        self.init(bytes: bytes)
    }

    /// - Returns: nil unless there are 16 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
        text = [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { Hex.encode(bytes[$0]) }.joined(separator: "-")
    }
}

extension DiskID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = DiskID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a disk id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
