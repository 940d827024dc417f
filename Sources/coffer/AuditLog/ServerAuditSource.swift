import CofferClient
import CofferModel
import CofferMonitor
import Foundation

/// Reads chains from `coffer serve`.
struct ServerAuditSource: AuditSource {
    let connection: ServerConnection

    func chains(after: String?) async throws -> AuditChainPage {
        try await get("chains", after.map { [("after", $0)] } ?? [])
    }

    func page(_ part: AuditPart, of resource: ResourceID, after: Int64) async throws -> AuditPage {
        try await get(part.rawValue, [("resource", resource.text), ("after", String(after))])
    }

    private func get<Page: Decodable>(_ path: String, _ query: [(String, String)]) async throws -> Page {
        let parameters = query.map { "\($0.0)=\($0.1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
        let answer = try await connection.call("GET", "/coffer/v1/audit/\(path)?\(parameters.joined(separator: "&"))")
        guard let page = try? JSON.decode(Page.self, from: JSON.encode(answer)) else {
            throw ClientError.unexpectedAnswer("a page of the audit log")
        }
        return page
    }
}
