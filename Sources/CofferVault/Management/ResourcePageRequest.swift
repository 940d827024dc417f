import CofferModel
import CofferPlatform

/// Which page of a list of Azure Resource Manager is wanted.
struct ResourcePageRequest: Sendable {
    /// `$top`: how many items a page may have; nil if the request does not say.
    let top: Int?
    /// What the page comes after, as an earlier page's link names it; nil for the first.
    let mark: String?
    private let http: APIRequest

    /// - Throws: ``APIError/badVaultRequest(_:)`` for a `$top` that makes no sense.
    init(_ http: APIRequest) throws {
        self.http = http
        top = try http.parameter("$top").map { text in
            guard let top = Int(text), top > 0 else { throw APIError.badVaultRequest("$top must be a number above 0.") }
            return top
        }
        mark = http.parameter("$skiptoken").flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How many objects of a vault the page has.
    var objectLimit: Int { min(top ?? 25, 1000) }

    /// The name of the object that the page comes after.
    ///
    /// - Throws: ``APIError/badVaultRequest(_:)`` if the mark is none.
    func nameMark() throws -> ObjectName? {
        try mark.map { mark in
            guard let name = try? ObjectName(mark) else { throw Self.badToken }
            return name
        }
    }

    /// The version that the page comes after.
    ///
    /// - Throws: ``APIError/badVaultRequest(_:)`` if the mark is none.
    func versionMark() throws -> ObjectVersionID? {
        try mark.map { mark in
            guard let version = ObjectVersionID(mark) else { throw Self.badToken }
            return version
        }
    }

    /// The URL of the page after `mark`, whose characters need no escape in a URL.
    func link(after mark: String) -> String {
        "https://\(http.host)/\(http.path.joined(separator: "/"))?api-version=\(http.parameter("api-version") ?? "")"
            + (top.map { "&$top=\($0)" } ?? "") + "&$skiptoken=\(mark)"
    }

    /// The items with the URL of the next page.
    func page<Record: Sendable, Item: Encodable & Sendable>(_ found: ObjectPage<Record>, _ show: (Record) -> Item) -> Page<Item> {
        Page(value: found.items.map(show), nextLink: found.next.map { link(after: $0) })
    }

    private static let badToken = APIError.badVaultRequest("$skiptoken was not made by this list. Begin it again without.")
}
