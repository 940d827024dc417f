import CofferModel

/// What commands print on standard output.
enum Printer {
    static func json(_ value: JSONValue) throws {
        print(String(decoding: try JSON.encode(value), as: UTF8.self))
    }

    /// Columns as wide as their widest cell, two spaces apart.
    static func table(_ heading: [String]?, _ rows: [[String]]) {
        let all = (heading.map { [$0] } ?? []) + rows
        guard let first = all.first else { return }
        let widths = first.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        for row in all {
            let cells = zip(row, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            print(line)
        }
    }

    /// Such as `8 GiB`.
    static func size(_ bytes: Int64?) -> String {
        guard let bytes else { return "" }
        return bytes % (1 << 30) == 0 ? "\(bytes >> 30) GiB" : "\(bytes) B"
    }

    /// The keys of a disk's layers, by name and version.
    static func keys(of disk: JSONValue) -> String {
        (disk["layers"]?.array ?? []).map { version($0["keyId"]) }.joined(separator: " + ")
    }

    /// A key's name and version, of its id.
    static func version(_ keyID: JSONValue?) -> String {
        let id = keyID?.string ?? ""
        let words = id.split(separator: "/").map(String.init)
        guard words.count >= 2, id.hasPrefix("https://") else { return id }
        return words.suffix(2).joined(separator: "/")
    }
}
