import CofferModel

/// An answer as services give it.
package struct APIResponse: Sendable {
    package let status: Int
    package var headers: [String: String]
    package let body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A JSON answer.
    package static func json(_ value: some Encodable, status: Int = 200, headers: [String: String] = [:]) throws -> APIResponse {
        var headers = headers
        headers["content-type"] = "application/json; charset=utf-8"
        return APIResponse(status: status, headers: headers, body: try JSON.encode(value))
    }

    /// 204 without a body.
    package static let noContent = APIResponse(status: 204)
}
