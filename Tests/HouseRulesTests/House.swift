import Foundation

/// The package as its files show it: the table in Package.swift, and every source with its imports.
struct House {
    struct Row {
        let position: Int
        let needs: Set<String>
    }

    struct Source {
        let path: String
        let target: String
        let lines: [Substring]
        let imports: Set<String>
    }

    static let services: Set<String> = [
        "CofferIdentity", "CofferResources", "CofferVault", "CofferCompute", "CofferMonitor", "CofferDeployments", "CofferNetwork", "CofferRecovery",
        "CofferAdvisor",
    ]

    let root: URL
    let rows: [String: Row]
    let sources: [Source]
    let testTexts: [(path: String, text: String)]

    init(root: URL = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()) {
        self.root = root
        let table = (try? String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)) ?? ""
        rows = Self.rows(in: table)
        sources = Self.files(under: root.appending(path: "Sources"), endings: ["swift"]).map { path, text in
            let parts = path.dropFirst(root.path(percentEncoded: false).count).split(separator: "/")
            let target = parts.count > 1 ? String(parts[1]) : ""
            return Source(
                path: path, target: target, lines: text.split(separator: "\n", omittingEmptySubsequences: false),
                imports: Self.imports(in: text)
            )
        }
        testTexts = Self.files(under: root.appending(path: "Tests"), endings: ["swift", "py", "sh"]).map { ($0.0, $0.1) }
            + Self.files(under: root.appending(path: "Fuzz"), endings: ["swift", "sh", ""]).map { ($0.0, $0.1) }
    }

    /// The rows in the order of the table, each with what it needs.
    private static func rows(in table: String) -> [String: Row] {
        var rows: [String: Row] = [:]
        for (position, match) in table.matches(of: /Row\(\s*name: "([^"]+)", needs: \[([^\]]*)\]/).enumerated() {
            let needs = match.output.2.matches(of: /"([^"]+)"/).map { String($0.output.1) }
            rows[String(match.output.1)] = Row(position: position, needs: Set(needs))
        }
        return rows
    }

    private static func imports(in text: String) -> Set<String> {
        let pattern = /(?m)^(?:(?:package|public|internal|private|@preconcurrency|@testable) )*import (?:(?:struct|class|enum|protocol|func|var|typealias) )?([A-Za-z_][A-Za-z0-9_]*)/
        return Set(text.matches(of: pattern).map { String($0.output.1) })
    }

    private static func files(under folder: URL, endings: Set<String>) -> [(String, String)] {
        guard let walk = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil) else { return [] }
        return walk.compactMap { $0 as? URL }.filter { endings.contains($0.pathExtension) }.compactMap { url in
            (try? String(contentsOf: url, encoding: .utf8)).map { (url.path(percentEncoded: false), $0) }
        }
    }
}
