import CofferModel
import CofferPlatform

/// The `$filter` of a list of resources: clauses `field eq 'value'` joined by `and`.
struct ResourceFilter {
    private let clauses: [(field: String, value: String)]

    /// - Throws: ``APIError`` for anything else.
    init(_ text: String?) throws {
        guard let text, !text.isEmpty else {
            clauses = []
            return
        }
        var clauses: [(String, String)] = []
        for clause in text.split(separator: " and ") {
            let words = clause.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count == 3, words[1] == "eq", words[2].count >= 2, words[2].hasPrefix("'"), words[2].hasSuffix("'"),
                ["resourcetype", "resourcegroup", "name", "location", "tagname", "tagvalue"].contains(words[0].lowercased())
            else { throw APIError.unsupportedFilter(text) }
            clauses.append((words[0].lowercased(), String(words[2].dropFirst().dropLast()).replacing("''", with: "'")))
        }
        self.clauses = clauses
    }

    func matches(_ resource: ResourceSummary) -> Bool {
        let tagName = clauses.first { $0.field == "tagname" }?.value
        return clauses.allSatisfy { field, value in
            switch field {
            case "resourcetype": resource.id.isType(value)
            case "resourcegroup": resource.id.group?.lowercased() == value.lowercased()
            case "name": resource.id.name.lowercased() == value.lowercased()
            case "location": Location.canonical(resource.location) == Location.canonical(value)
            case "tagname": resource.tags[value] != nil
            default: tagName.flatMap { resource.tags[$0] } == value
            }
        }
    }
}
