import CofferCore
import CofferModel
import CofferPlatform
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Turns requests as they arrive into ``APIRequest``s, and answers and errors into responses.
final class RequestAdapter: Sendable {
    /// The largest body that is read, in bytes. More is answered with 413.
    static let largestBody = 4 * 1024 * 1024

    let executors = LoopExecutors()
    private let handler: any APIHandler
    private let clock: any WallClock
    private let logger: Logger
    /// The text of the second that was asked for last.
    private let date = Mutex<(seconds: Int64, text: String)>((.min, ""))

    init(handler: any APIHandler, clock: any WallClock, logger: Logger) {
        self.handler = handler
        self.clock = clock
        self.logger = logger
    }

    func answer(_ call: HTTPCall) async -> HTTPAnswer {
        let requestID = call.id
        let received = clock.now()
        let answer: APIResponse
        do {
            answer = try await handler.handle(try convert(call, requestID: requestID, received: received))
        } catch {
            answer = refusal(for: error, requestID: requestID, call)
        }
        let now = clock.now()
        // What was done is in the audit trail; a line for each good answer would cost as much as the answer.
        logger.log(level: answer.status < 400 ? .debug : .info, "request", metadata: [
            "method": "\(call.head.method)", "path": "\(path(of: call))", "status": "\(answer.status)",
            "durationMs": "\(now.milliseconds - received.milliseconds)", "requestId": "\(requestID)",
        ])
        return response(answer, to: call, requestID: requestID, now)
    }

    /// Tells the log why a long answer was broken off.
    func reportBroken(_ error: any Error, requestID: String) {
        logger.error("answer broken off", metadata: ["requestId": "\(requestID)", "error": "\(String(reflecting: error))"])
    }

    /// To what is no HTTP.
    static let malformed = HTTPAnswer(
        bytes: ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"), content: nil, closes: true)

    private func path(of call: HTTPCall) -> Substring {
        call.head.uri.prefix { $0 != "?" }
    }

    private func convert(_ call: HTTPCall, requestID: String, received: Timestamp) throws -> APIRequest {
        let target = Self.split(call.head.uri)
        guard let method = APIRequest.Method(rawValue: call.head.method.rawValue) else {
            throw APIError.methodNotAllowed(call.head.method.rawValue, target.path)
        }
        guard !call.isTooLarge else { throw APIError.bodyTooLarge(Self.largestBody) }
        var headers: [String: String] = [:]
        headers.reserveCapacity(call.head.headers.count)
        for (name, value) in call.head.headers {
            let name = name.lowercased()
            headers[name] = headers[name].map { "\($0),\(value)" } ?? value
        }
        guard let path = RequestTarget.segments(of: target.path), let query = RequestTarget.query(of: target.query) else {
            throw APIError.invalidParameter("The URL has a percent-escape that is not UTF-8.")
        }
        return APIRequest(
            method: method, host: (target.host ?? headers["host"] ?? "").lowercased(), path: path, query: query, headers: headers,
            body: call.body, address: call.address, tlsVersion: call.tlsVersion, requestID: requestID, received: received
        )
    }

    /// The parts of a request's target in origin form or, as proxies send it, absolute form (RFC 9112 section 3.2).
    private static func split(_ uri: String) -> (host: String?, path: String, query: String?) {
        var rest = uri[...]
        var host: String?
        if rest.utf8.first != UInt8(ascii: "/"), let scheme = rest.range(of: "://") {
            rest = rest[scheme.upperBound...]
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            host = String(rest[..<end])
            rest = rest[end...]
        }
        guard let mark = rest.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (host, String(rest), nil) }
        return (host, String(rest[..<mark]), String(rest[rest.utf8.index(after: mark)...]))
    }

    private func refusal(for error: any Error, requestID: String, _ call: HTTPCall) -> APIResponse {
        let refusal: APIError
        if let error = error as? APIError {
            refusal = error
        } else {
            logger.error("internal error", metadata: [
                "requestId": "\(requestID)", "path": "\(path(of: call))", "error": "\(String(reflecting: error))",
            ])
            refusal = APIError.internalError(requestID)
        }
        let body = (try? JSON.encode(refusal.envelope)) ?? []
        var headers = refusal.headers
        headers["content-type"] = "application/json; charset=utf-8"
        return APIResponse(status: refusal.status, headers: headers, body: body)
    }

    /// The whole answer as it is sent (RFC 9112 section 4).
    private func response(_ answer: APIResponse, to call: HTTPCall, requestID: String, _ now: Timestamp) -> HTTPAnswer {
        let isHead = call.head.method == .HEAD
        let body = isHead || answer.content != nil ? [] : answer.body
        var bytes: [UInt8] = []
        bytes.reserveCapacity(768 + body.count)
        func add(_ name: String, _ value: String) {
            bytes.append(contentsOf: name.utf8)
            bytes.append(contentsOf: ": ".utf8)
            bytes.append(contentsOf: value.utf8)
            bytes.append(contentsOf: "\r\n".utf8)
        }
        bytes.append(contentsOf: "HTTP/1.1 ".utf8)
        bytes.append(contentsOf: String(answer.status).utf8)
        bytes.append(contentsOf: " ".utf8)
        bytes.append(contentsOf: HTTPResponseStatus(statusCode: answer.status).reasonPhrase.utf8)
        bytes.append(contentsOf: "\r\n".utf8)
        let asked = call.head.headers
        add("x-ms-request-id", requestID)
        add("x-ms-correlation-request-id", Self.echo(asked.first(name: "x-ms-correlation-request-id")) ?? requestID)
        if let client = Self.echo(asked.first(name: "x-ms-client-request-id")) { add("x-ms-client-request-id", client) }
        bytes.append(contentsOf: "cache-control: no-cache\r\nstrict-transport-security: max-age=31536000\r\nx-content-type-options: nosniff\r\n".utf8)
        add("date", date(now))
        for (name, value) in answer.headers where !Self.own.contains(name) && !Self.splits(name) && !Self.splits(value) { add(name, value) }
        if answer.status != 204, answer.status != 304 { add("content-length", String(answer.byteCount)) }
        let closes = !call.head.isKeepAlive
        if closes { add("connection", "close") }
        bytes.append(contentsOf: "\r\n".utf8)
        bytes.append(contentsOf: body)
        return HTTPAnswer(bytes: ByteBuffer(bytes: bytes), content: isHead ? nil : answer.content, closes: closes)
    }

    /// A client's header as it is given back.
    private static func echo(_ value: String?) -> String? {
        value.flatMap { splits($0) ? nil : $0 }
    }

    /// What every response says itself.
    private static let own: Set<String> = [
        "x-ms-request-id", "x-ms-correlation-request-id", "x-ms-client-request-id", "cache-control", "strict-transport-security",
        "x-content-type-options", "date", "content-length", "connection", "transfer-encoding",
    ]

    /// Whether a header's text would end the header, and let its rest pass for another one.
    private static func splits(_ text: String) -> Bool {
        text.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 }
    }

    private func date(_ now: Timestamp) -> String {
        date.withLock { date in
            if date.seconds != now.seconds { date = (now.seconds, HTTPDate.text(now)) }
            return date.text
        }
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
