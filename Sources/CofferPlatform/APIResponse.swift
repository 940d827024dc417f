import CofferModel

/// An answer as services give it.
package struct APIResponse: Sendable {
    package let status: Int
    package var headers: [String: String]
    package let body: [UInt8]
    /// What is sent instead of `body` where it is too much to be held at once.
    package let content: ResponseContent?

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = [], content: ResponseContent? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
        self.content = content
    }

    /// The length of what follows the headers, in bytes. To a HEAD request it is told and nothing follows.
    package var byteCount: UInt64 { content?.byteCount ?? UInt64(body.count) }

    /// A JSON answer.
    package static func json(_ value: some Encodable, status: Int = 200, headers: [String: String] = [:]) throws -> APIResponse {
        var headers = headers
        headers["content-type"] = "application/json; charset=utf-8"
        return APIResponse(status: status, headers: headers, body: try JSON.encode(value))
    }

    /// 204 without a body.
    package static let noContent = APIResponse(status: 204)
}

/// A long answer that is read as it is sent.
package struct ResponseContent: Sendable {
    /// In bytes.
    package let byteCount: UInt64
    /// The next part: up to `count` bytes from `offset` on, at least one. What it throws ends the connection, so that nobody takes
    /// the part for the whole.
    package let read: @Sendable (_ offset: UInt64, _ count: Int) async throws -> [UInt8]

    package init(byteCount: UInt64, read: @escaping @Sendable (_ offset: UInt64, _ count: Int) async throws -> [UInt8]) {
        self.byteCount = byteCount
        self.read = read
    }
}
