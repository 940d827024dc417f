package import CofferModel

/// What the directory of a Ceph pool says of a disk. docs/formats/rbd.md is normative for the bytes.
package enum DirectoryEntry: Equatable, Sendable {
    /// It is being made, perhaps of another, and does not exist yet.
    case new(of: DiskID?)
    /// Its header, as bytes that need not be valid.
    case disk([UInt8])
    /// It is being deleted, does not exist any more, and was perhaps made of another. It stays until nothing is made of it any more.
    case deleted(of: DiskID?)

    private static let newWord = "new"
    private static let deletedWord = "deleted"

    /// Reads an entry. What is none of the two words, with a disk's id or without, is taken for a header. Never traps, whatever the bytes.
    package init(bytes: [UInt8]) {
        let words = bytes.count > 64 ? [] : String(decoding: bytes, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
        let source = words.count == 2 ? DiskID(words[1]).flatMap { $0.text == words[1] ? $0 : nil } : nil
        switch words.first.map(String.init) {
        case Self.newWord? where words.count == 1 || source != nil: self = .new(of: source)
        case Self.deletedWord? where words.count == 1 || source != nil: self = .deleted(of: source)
        default: self = .disk(bytes)
        }
    }

    /// The entry as the directory holds it.
    package var bytes: [UInt8] {
        switch self {
        case .new(let source): Self.words(Self.newWord, source)
        case .disk(let bytes): bytes
        case .deleted(let source): Self.words(Self.deletedWord, source)
        }
    }

    private static func words(_ word: String, _ source: DiskID?) -> [UInt8] { Array((source.map { "\(word) \($0.text)" } ?? word).utf8) }
}
