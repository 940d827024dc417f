import CofferCore
import CofferModel
import CofferPlatform
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// What a connection tells of a request: where it came from.
struct ConnectionContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let address: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        address = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

/// Turns the framework's requests into ``APIRequest``s, and answers and errors into its responses.
struct RequestAdapter: HTTPResponder {
    /// The largest body that is read, in bytes. More is answered with 413.
    static let largestBody = 4 * 1024 * 1024

    let handler: any APIHandler
    let clock: any WallClock
    let logger: Logger

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let requestID = UUID().uuidString.lowercased()
        let received = clock.now()
        var answer: APIResponse
        do {
            let apiRequest = try await convert(request, context: context, requestID: requestID, received: received)
            answer = try await handler.handle(apiRequest)
        } catch {
            answer = refusal(for: error, requestID: requestID, request: request)
        }
        answer.headers["x-ms-request-id"] = requestID
        answer.headers["x-ms-correlation-request-id"] = request.header("x-ms-correlation-request-id") ?? requestID
        if let client = request.header("x-ms-client-request-id") { answer.headers["x-ms-client-request-id"] = client }
        answer.headers["cache-control"] = "no-cache"
        answer.headers["strict-transport-security"] = "max-age=31536000"
        answer.headers["x-content-type-options"] = "nosniff"
        logger.info("request", metadata: [
            "method": "\(request.method)", "path": "\(request.uri.path)", "status": "\(answer.status)",
            "durationMs": "\(clock.now().milliseconds - received.milliseconds)", "requestId": "\(requestID)",
        ])
        return response(answer, isHead: request.method == .head)
    }

    private func convert(
        _ request: Request, context: ConnectionContext, requestID: String, received: Timestamp
    ) async throws -> APIRequest {
        guard let method = APIRequest.Method(rawValue: request.method.rawValue) else {
            throw APIError.methodNotAllowed(request.method.rawValue, request.uri.path)
        }
        if let length = request.header("content-length").flatMap({ Int($0) }), length > Self.largestBody {
            throw APIError.bodyTooLarge(Self.largestBody)
        }
        let body: ByteBuffer
        do {
            body = try await request.body.collect(upTo: Self.largestBody)
        } catch is NIOTooManyBytesError {
            throw APIError.bodyTooLarge(Self.largestBody)
        }
        var headers: [String: String] = [:]
        for field in request.headers {
            let name = field.name.canonicalName
            headers[name] = headers[name].map { "\($0),\(field.value)" } ?? field.value
        }
        guard let path = RequestTarget.segments(of: request.uri.path), let query = RequestTarget.query(of: request.uri.query) else {
            throw APIError.invalidParameter("The URL has a percent-escape that is not UTF-8.")
        }
        return APIRequest(
            method: method, host: (request.head.authority ?? "").lowercased(), path: path, query: query, headers: headers,
            body: Array(body.readableBytesView), address: context.address, requestID: requestID, received: received
        )
    }

    private func refusal(for error: any Error, requestID: String, request: Request) -> APIResponse {
        let refusal: APIError
        if let error = error as? APIError {
            refusal = error
        } else {
            logger.error("internal error", metadata: [
                "requestId": "\(requestID)", "path": "\(request.uri.path)", "error": "\(String(reflecting: error))",
            ])
            refusal = APIError.internalError(requestID)
        }
        let body = (try? JSON.encode(refusal.envelope)) ?? []
        var headers = refusal.headers
        headers["content-type"] = "application/json; charset=utf-8"
        return APIResponse(status: refusal.status, headers: headers, body: body)
    }

    private func response(_ answer: APIResponse, isHead: Bool) -> Response {
        var fields = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return Response(
            status: .init(code: answer.status), headers: fields,
            body: isHead || answer.body.isEmpty ? .init() : .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}

extension Request {
    fileprivate func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[$0] }
    }
}

extension APIError {
    fileprivate static func bodyTooLarge(_ limit: Int) -> APIError {
        APIError(
            status: 413, code: "RequestContentTooLarge",
            message: "The request content is larger than the \(limit) bytes that are accepted."
        )
    }

    fileprivate static func internalError(_ requestID: String) -> APIError {
        APIError(
            status: 500, code: "InternalServerError",
            message: "Coffer failed to answer. Its log has the cause under request id \(requestID)."
        )
    }
}
