/// The ids that a listing asks for, as one range in byte order of their UTF-8, which is also the order of Unicode scalars.
///
/// A range needs no pattern, so `%`, `_` and letter case mean nothing in a prefix, and an index answers it.
package struct StoreRange: Equatable, Sendable {
    /// The first id that can be in the range.
    package let lower: String
    /// The first id that is past it; nil if nothing is.
    package let upper: String?

    /// - Parameters:
    ///   - prefix: What the ids begin with, byte for byte.
    ///   - after: Only ids behind this one.
    /// - Returns: nil if no id can be in the range.
    package init?(prefix: String, after: String?) {
        guard !prefix.utf8.contains(0), prefix.utf8.count <= StoreName.longestID else { return nil }
        // Ids hold no zero byte, so nothing lies between an id and the same id with U+0001 behind it.
        let next = after.map { $0 + "\u{1}" }
        lower = if let next, prefix.utf8.lexicographicallyPrecedes(next.utf8) { next } else { prefix }
        upper = Self.successor(of: prefix)
        guard !lower.utf8.contains(0) else { return nil }
        if let upper, !lower.utf8.lexicographicallyPrecedes(upper.utf8) { return nil }
    }

    /// Whether `id` lies in the range.
    package func contains(_ id: String) -> Bool {
        !id.utf8.lexicographicallyPrecedes(lower.utf8) && (upper.map { id.utf8.lexicographicallyPrecedes($0.utf8) } ?? true)
    }

    /// The first text in byte order that is above all texts beginning with `prefix`.
    private static func successor(of prefix: String) -> String? {
        var scalars = prefix.unicodeScalars
        while let last = scalars.popLast() {
            // The surrogates, which are no scalars, lie between U+D7FF and U+E000.
            let next: UInt32 = last.value == 0xD7FF ? 0xE000 : last.value + 1
            if let next = Unicode.Scalar(next) {
                scalars.append(next)
                return String(scalars)
            }
        }
        return nil
    }
}
