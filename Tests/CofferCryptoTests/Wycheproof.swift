import Foundation

/// The vectors of C2SP/wycheproof, which lie beside the project. Tests that need them are skipped where they are absent.
enum Wycheproof {
    static let directory = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "../shared/vectors/wycheproof").standardizedFileURL

    static let isPresent = FileManager.default.fileExists(atPath: directory.path())

    /// A file's groups, of which `Group` decodes what a test needs.
    static func groups<Group: Decodable>(_ name: String, of _: Group.Type) throws -> [Group] {
        let json = try Data(contentsOf: directory.appending(path: name + "_test.json"))
        return try JSONDecoder().decode(File<Group>.self, from: json).testGroups
    }

    private struct File<Group: Decodable>: Decodable {
        let testGroups: [Group]
    }

    enum Verdict: String, Decodable {
        case valid, invalid, acceptable
    }
}

/// Bytes that stand in JSON as hexadecimal.
struct HexBytes: Decodable {
    let bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        bytes = hex(try decoder.singleValueContainer().decode(String.self))
    }
}
