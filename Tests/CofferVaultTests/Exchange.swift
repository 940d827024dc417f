import CofferModel
import CofferPlatform

/// One request to a vault and the answer it must get, written as text:
///
///     # What it shows.
///     > GET /keys/none?api-version=7.4 as nobody
///     < 403 {"error":{"code":"Forbidden"}}
///
/// The body follows the target; `as -` sends no token. The answer's JSON must hold what is written, and may hold more;
/// `"…"` stands for any text.
struct Exchange: CustomStringConvertible {
    let title: String
    let method: APIRequest.Method
    let path: String
    let query: [(String, String)]
    let token: String?
    let body: JSONValue?
    let status: Int
    let answer: JSONValue?

    var description: String { title }

    struct Malformed: Error {
        let line: String
    }

    /// All exchanges of a text, in order.
    static func all(in text: String) throws -> [Exchange] {
        var exchanges: [Exchange] = []
        var title = ""
        var request: Substring = ""
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# ") {
                title = String(line.dropFirst(2))
            } else if line.hasPrefix("> ") {
                request = line.dropFirst(2)
            } else if line.hasPrefix("< ") {
                exchanges.append(try Exchange(title, request, line.dropFirst(2)))
            } else {
                throw Malformed(line: String(line))
            }
        }
        return exchanges
    }

    private init(_ title: String, _ request: Substring, _ answer: Substring) throws {
        self.title = title
        var words = request.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, let method = APIRequest.Method(rawValue: String(words[0])), words[1].hasPrefix("/") else {
            throw Malformed(line: String(request))
        }
        self.method = method
        let target = words[1].dropFirst().split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(target[0])
        query = (target.count > 1 ? target[1].split(separator: "&") : []).map { pair in
            let pair = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (pair[0], pair.count > 1 ? pair[1] : "")
        }
        var rest = words.count > 2 ? words.removeLast() : ""
        var token: String? = "admin"
        if rest.hasPrefix("as ") {
            let parts = rest.dropFirst(3).split(separator: " ", maxSplits: 1)
            token = parts[0] == "-" ? nil : String(parts[0])
            rest = parts.count > 1 ? parts[1] : ""
        }
        self.token = token
        body = rest.isEmpty ? nil : try JSON.decode(JSONValue.self, from: Array(rest.utf8))
        let parts = answer.split(separator: " ", maxSplits: 1)
        guard let status = Int(parts[0]) else { throw Malformed(line: String(answer)) }
        self.status = status
        self.answer = parts.count > 1 ? try JSON.decode(JSONValue.self, from: Array(parts[1].utf8)) : nil
    }
}

extension JSONValue {
    /// Whether this holds everything that `pattern` has.
    func holds(_ pattern: JSONValue) -> Bool {
        switch (self, pattern) {
        case (.string, "…"): true
        case (.object(let mine), .object(let theirs)):
            theirs.allSatisfy { key, value in mine[key].map { $0.holds(value) } ?? false }
        case (.array(let mine), .array(let theirs)):
            mine.count == theirs.count && zip(mine, theirs).allSatisfy { $0.holds($1) }
        default: self == pattern
        }
    }
}
