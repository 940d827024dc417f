import CofferModel
package import CofferPlatform

/// Answers `GET /coffer/v1/audit/…`: gives out chains as they are stored, for their readers to check.
package struct AuditReadHandler: APIHandler {
    /// The action of Azure's activity log, which Owner, Contributor and Reader have.
    package static let action = Action.management("Microsoft.Insights/eventtypes/values/read")

    let source: StoreAuditSource
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    /// What a token's `aud` may be.
    let audiences: [String]
    /// The token service's origin and the tenant, to name in a challenge.
    let authority: String
    let tenantID: String

    package init(
        store: any Store, log: StoreAuditLog? = nil, authenticator: any Authenticator, authorizer: any Authorizer, audiences: [String], authority: String,
        tenantID: String
    ) {
        source = StoreAuditSource(store: store, log: log)
        self.authenticator = authenticator
        self.authorizer = authorizer
        self.audiences = audiences
        self.authority = authority
        self.tenantID = tenantID
    }

    /// Whether this answers for the path.
    package func handles(_ path: [String]) -> Bool { AuditReadCall.handles(path) }

    /// - Throws: ``APIError``.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        let caller: Caller
        do {
            caller = try await authenticator.caller(of: request, audiences: audiences)
        } catch is TokenRefusal {
            throw APIError.auditNeedsToken(authority: authority, tenantID: tenantID)
        }
        switch try AuditReadCall(request) {
        case .chains(let after): return try .json(try await chains(after: after, for: caller))
        case .page(let part, let resource, let after):
            do {
                _ = try await authorizer.grant(Self.action, to: caller, on: resource)
            } catch let forbidden as Forbidden {
                throw APIError.auditForbidden(forbidden)
            }
            return try .json(try await source.page(part, of: resource, after: after))
        }
    }

    /// The chains that the caller may read.
    private func chains(after: String?, for caller: Caller) async throws -> AuditChainPage {
        let page = try await source.chains(after: after)
        var shown: [AuditChainPage.Chain] = []
        // Who may read a whole subscription, as administrators may, is asked for once.
        var whole: [String: Bool] = [:]
        for chain in page.value {
            let subscription = chain.resource.subscription ?? ""
            if whole[subscription] == nil {
                whole[subscription] = try await authorizer.allows(caller, Self.action, on: ResourceID(subscription: subscription))
            }
            if whole[subscription] == true {
                shown.append(chain)
            } else if try await authorizer.allows(caller, Self.action, on: chain.resource) {
                shown.append(chain)
            }
        }
        return AuditChainPage(value: shown, next: page.next)
    }
}
