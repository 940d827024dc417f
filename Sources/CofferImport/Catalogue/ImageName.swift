/// What an image is called: its publisher, offer and SKU, and its version. Azure writes it `Debian:debian-12:12-gen2:12.20261128.0`.
///
/// Letters differ by case alone in no two names: Azure compares these without regard to case.
package struct ImageName: Hashable, Sendable, CustomStringConvertible {
    package let publisher: String
    package let offer: String
    package let sku: String
    package let version: ImageVersion

    private static let longestPart = 80

    /// - Throws: ``CatalogueError/badName(_:)`` if a part has other characters than letters, digits, `-`, `_` and `.`, does not begin with
    ///   a letter or digit, or is longer than 80.
    package init(publisher: String, offer: String, sku: String, version: ImageVersion) throws(CatalogueError) {
        for (what, part) in [("publisher", publisher), ("offer", offer), ("SKU", sku)] {
            guard Self.isPart(part) else {
                throw .badName("'\(part.prefix(100))' is no \(what): letters, digits, '-', '_' and '.', beginning with a letter or digit, \(Self.longestPart) at most.")
            }
        }
        self.publisher = publisher
        self.offer = offer
        self.sku = sku
        self.version = version
    }

    /// The same from one text, `PUBLISHER:OFFER:SKU:VERSION`.
    ///
    /// - Throws: ``CatalogueError/badName(_:)``.
    package init(_ text: String) throws(CatalogueError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 4, let version = ImageVersion(parts[3]) else {
            throw .badName("'\(text.prefix(300))' names no image: PUBLISHER:OFFER:SKU:VERSION, such as Debian:debian-12:12-gen2:12.20261128.0.")
        }
        try self.init(publisher: parts[0], offer: parts[1], sku: parts[2], version: version)
    }

    package var description: String { "\(publisher):\(offer):\(sku):\(version)" }

    /// What all versions of an image have in common, in lower case.
    var family: String { Self.family(publisher, offer, sku) }

    /// Whether these are the image's publisher, offer and SKU.
    package func isOf(publisher: String, offer: String, sku: String) -> Bool {
        family == Self.family(publisher, offer, sku)
    }

    private static func family(_ publisher: String, _ offer: String, _ sku: String) -> String {
        "\(publisher):\(offer):\(sku)".lowercased()
    }

    static func isPart(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first), text.utf8.count <= longestPart else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
