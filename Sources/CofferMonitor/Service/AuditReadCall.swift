import CofferModel
import CofferPlatform

/// What a request below `/coffer/v1/audit` asks for.
enum AuditReadCall: Equatable, Sendable {
    /// `GET /coffer/v1/audit/chains?after=KEY`
    case chains(after: String?)
    /// `GET /coffer/v1/audit/records?resource=ID&after=N`, and `signatures`
    case page(AuditPart, of: ResourceID, after: Int64)

    /// Whether the request is one of these.
    static func handles(_ path: [String]) -> Bool {
        path.count >= 3 && path[0].lowercased() == "coffer" && path[1].lowercased() == "v1" && path[2].lowercased() == "audit"
    }

    /// - Throws: ``APIError``.
    init(_ request: APIRequest) throws {
        let path = request.path.filter { !$0.isEmpty }.map { $0.lowercased() }
        guard path.count == 4, Self.handles(path), path[3] == "chains" || AuditPart(rawValue: path[3]) != nil else {
            throw APIError.auditPathNotFound(request.path)
        }
        guard request.method == .get else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
        guard let part = AuditPart(rawValue: path[3]) else {
            self = .chains(after: request.parameter("after"))
            return
        }
        guard let resource = request.parameter("resource").flatMap({ ResourceID($0) }), resource.namespace != nil || resource.isSubscription else {
            throw APIError.invalidParameter("'resource' must be the id of a resource, such as a vault's, or of a subscription.", target: "resource")
        }
        guard let after = Int64(request.parameter("after") ?? "0"), after >= 0 else {
            throw APIError.invalidParameter("'after' must be a number, 0 or more.", target: "after")
        }
        self = .page(part, of: resource, after: after)
    }
}

extension ResourceID {
    /// Whether it names a whole subscription, which has a chain of what concerns no single resource.
    fileprivate var isSubscription: Bool { subscription != nil && group == nil && namespace == nil }
}
