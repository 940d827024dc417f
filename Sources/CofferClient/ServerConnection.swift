import AsyncHTTPClient
package import CofferModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// Calls `coffer serve` as the installation's administrator.
package struct ServerConnection: Sendable {
    package let card: InstallationCard
    private let secret: String
    private let client: HTTPClient

    /// - Throws: ``ClientError`` if the data directory cannot be read.
    package init(_ directory: DataDirectory) throws {
        card = try directory.card()
        secret = try directory.administratorSecret()
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(directory.caPath)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.timeout = .init(connect: .seconds(5), read: .seconds(300))
        configuration.proxy = nil
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Runs `body` with a connection and closes it after.
    package static func with<R>(_ directory: DataDirectory, _ body: (ServerConnection) async throws -> R) async throws -> R {
        let connection = try ServerConnection(directory)
        do {
            let result = try await body(connection)
            try await connection.client.shutdown()
            return result
        } catch {
            try? await connection.client.shutdown()
            throw error
        }
    }

    /// One call with a token of the administrator.
    ///
    /// - Parameter path: below the authority, with its query.
    /// - Throws: ``ClientError``, of which ``ClientError/refused(status:code:message:)`` has the server's words.
    package func call(_ method: String, _ path: String, body: JSONValue? = nil) async throws -> JSONValue {
        let token = try await token()
        var request = HTTPClientRequest(url: card.authority + path)
        request.method = .init(rawValue: method)
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(try JSON.encode(body))
        }
        return try await answer(to: request)
    }

    private func token() async throws -> String {
        var request = HTTPClientRequest(url: "\(card.authority)/\(card.tenantID)/oauth2/v2.0/token")
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        let form = [
            ("client_id", card.administratorClientID), ("client_secret", secret), ("grant_type", "client_credentials"),
            ("scope", "\(card.authority)//.default"),
        ]
        request.body = .bytes(Array(form.map { "\($0.0)=\(Self.escape($0.1))" }.joined(separator: "&").utf8))
        guard let token = try await answer(to: request)["access_token"]?.string else {
            throw ClientError.unexpectedAnswer("a token response without access_token")
        }
        return token
    }

    private func answer(to request: HTTPClientRequest) async throws -> JSONValue {
        let status: Int
        let bytes: [UInt8]
        do {
            let response = try await client.execute(request, timeout: .seconds(600))
            status = Int(response.status.code)
            bytes = Array((try await response.body.collect(upTo: 64 * 1024 * 1024)).readableBytesView)
        } catch {
            throw ClientError.unreachable(authority: card.authority, cause: String(describing: error))
        }
        let value = bytes.isEmpty ? JSONValue.null : (try? JSON.decode(JSONValue.self, from: bytes)) ?? .null
        guard (200..<300).contains(status) else {
            let error = value["error"]
            throw ClientError.refused(
                status: status, code: error?["code"]?.string ?? error?.string ?? "HTTP \(status)",
                message: error?["message"]?.string ?? value["error_description"]?.string ?? "no reason was given"
            )
        }
        return value
    }

    private static func escape(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    }
}
