package import CofferCore
import CofferModel

/// A request as services see it: no framework, the body whole and bounded.
package struct APIRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    package let method: Method
    /// Host with port, lower case.
    package let host: String
    /// Percent-decoded segments; empty ones are kept but for the leading slash, so `/keys/n/` is `["keys", "n", ""]`.
    package let path: [String]
    /// Percent-decoded, in order.
    package let query: [(name: String, value: String)]
    /// Names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]
    /// The client's address.
    package let address: String
    /// Such as `TLS1_3`; nil where no TLS was seen.
    package let tlsVersion: String?
    /// Made by Coffer for each request, told in `x-ms-request-id`.
    package let requestID: String
    package let received: Timestamp

    package init(
        method: Method, host: String, path: [String], query: [(name: String, value: String)], headers: [String: String],
        body: [UInt8], address: String, tlsVersion: String? = nil, requestID: String, received: Timestamp
    ) {
        self.method = method
        self.host = host
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.address = address
        self.tlsVersion = tlsVersion
        self.requestID = requestID
        self.received = received
    }

    /// A query parameter, its name compared without regard to case.
    package func parameter(_ name: String) -> String? {
        query.first { $0.name == name || $0.name.lowercased() == name.lowercased() }?.value
    }

    /// `x-ms-client-request-id` if the client sent one, else our own id.
    package var correlationID: String {
        headers["x-ms-correlation-request-id"] ?? headers["x-ms-client-request-id"] ?? requestID
    }

    /// The bearer token, if there is one.
    package var bearerToken: String? {
        guard let header = headers["authorization"] else { return nil }
        guard let space = header.utf8.firstIndex(of: UInt8(ascii: " ")), header[..<space].lowercased() == "bearer" else { return nil }
        let token = header.utf8[space...].drop { $0 == UInt8(ascii: " ") }
        return token.isEmpty ? nil : String(Substring(token))
    }

    /// The URL as it was asked for, without the query's values that could be secret: path and api-version only.
    package var uri: String {
        "https://\(host)/" + path.joined(separator: "/") + (parameter("api-version").map { "?api-version=\($0)" } ?? "")
    }

    /// The body decoded.
    /// - Throws: ``APIError/invalidRequestContent(_:)`` naming the property that does not fit.
    package func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do {
            return try JSON.decode(type, from: body)
        } catch let error as DecodingError {
            throw APIError.invalidRequestContent(error.plainReason)
        } catch {
            throw APIError.invalidRequestContent("it is not JSON")
        }
    }
}

extension DecodingError {
    /// Where and why, without quoting what was sent.
    fileprivate var plainReason: String {
        func place(_ path: [any CodingKey]) -> String {
            path.isEmpty ? "the document" : "'\(path.map(\.stringValue).joined(separator: "."))'"
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(let type, let context): return "\(place(context.codingPath)) is not a \(type)"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) is null"
        case .dataCorrupted(let context): return context.codingPath.isEmpty ? "it is not JSON" : "\(place(context.codingPath)) has a value that is not allowed"
        @unknown default: return "it does not fit"
        }
    }
}
