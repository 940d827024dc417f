import CofferCore
import CofferModel
import CofferPlatform

/// Which page of a list is wanted (contract section 1.9).
struct PageRequest: Sendable {
    /// 1 to 25.
    let limit: Int
    private let http: APIRequest
    /// What the page comes after; nil for the first.
    private let mark: String?

    /// - Throws: ``APIError/badParameter(_:)`` for a `maxresults` or `$skiptoken` that makes no sense.
    init(_ http: APIRequest) throws {
        self.http = http
        if let text = http.parameter("maxresults") {
            guard text.utf8.count <= 2, let number = Int(text), (1...25).contains(number) else {
                throw APIError.badParameter("maxresults must be a number from 1 to 25.")
            }
            limit = number
        } else {
            limit = 25
        }
        if let token = http.parameter("$skiptoken") {
            guard token.utf8.count <= 400, let bytes = Base64URL.decode(token), !bytes.isEmpty else {
                throw Self.badToken
            }
            mark = String(decoding: bytes, as: UTF8.self)
        } else {
            mark = nil
        }
    }

    private static let badToken = APIError.badParameter("$skiptoken was not made by this vault. Begin the list again without it.")

    /// The name that the page comes after.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the token holds none.
    func nameMark() throws -> ObjectName? {
        guard let mark else { return nil }
        guard let name = try? ObjectName(mark) else { throw Self.badToken }
        return name
    }

    /// The version that the page comes after.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the token holds none.
    func versionMark() throws -> ObjectVersionID? {
        guard let mark else { return nil }
        guard let version = ObjectVersionID(mark) else { throw Self.badToken }
        return version
    }

    /// The items with the URL of the next page.
    ///
    /// - Parameters:
    ///   - path: Of the list, such as `keys`.
    ///   - more: A parameter of the list's own, which the next page must have too.
    func page<Record: Sendable, Item: Encodable & Sendable>(
        _ found: ObjectPage<Record>, at path: String, also more: String? = nil, _ show: (Record) -> Item
    ) -> Page<Item> {
        Page(value: found.items.map(show), nextLink: found.next.map { link(path, more, after: $0) })
    }

    private func link(_ path: String, _ more: String?, after mark: String) -> String {
        let token = Base64URL.encode(Array(mark.utf8))
        return "https://\(http.host)/\(path)?api-version=\(http.parameter("api-version") ?? "")&$skiptoken=\(token)&maxresults=\(limit)"
            + (more.map { "&\($0)" } ?? "")
    }
}
