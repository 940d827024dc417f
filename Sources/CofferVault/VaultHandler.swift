import CofferCore
import CofferModel
package import CofferPlatform

/// Answers requests to the vaults' own hosts, `https://{vault}.{suffix}`: finds the vault and the caller, and records
/// every operation, allowed or refused, before its answer leaves.
package struct VaultHandler: APIHandler {
    let vaults: VaultsService
    let challenge: VaultChallenge
    let access: VaultAccess
    let table: RouteTable
    let audit: VaultAudit
    /// Nil if vaults have no limits.
    let throttle: Throttle?
    let clock: any WallClock
    let settings: VaultSettings

    /// - Throws: ``APIError``: 404 if no vault has the host, 401 with a challenge, 403 of the firewall, and what the operation refuses, in
    ///   this order.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        let started = clock.now()
        let vault = try await vaults.vault(host: request.host)
        let headers = [
            "x-ms-keyvault-region": vault.location, "cache-control": "no-cache", "pragma": "no-cache", "expires": "-1",
        ]
        do {
            let origin = AuditOrigin(request, started: started)
            let caller = try await caller(of: request, in: vault, origin)
            var response = try await answer(request, from: caller, in: vault, origin).response
            response.headers.merge(headers) { own, _ in own }
            return response
        } catch let refusal as APIError {
            throw refusal.adding(headers)
        }
    }

    private func answer(
        _ request: APIRequest, from caller: Caller, in vault: VaultRecord, _ origin: AuditOrigin
    ) async throws -> VaultAnswer {
        let method = request.meantMethod
        let match = method.map { table.match($0, request.path) } ?? .unknown
        return try await audit.recording(
            match.operation, on: vault.id, by: caller, from: origin, object: match.hasObject ? request.objectURL : nil,
            asking: vault.permissionModel
        ) {
            try VaultFirewall(vault).check(caller, from: request.address, issuer: settings.issuer)
            guard method != nil else { throw APIError.badMethodOverride }
            guard let throttle else { return try await answer(request, match, from: caller, in: vault) }
            return try await throttle.admitting(match.operation, in: vault) {
                try await answer(request, match, from: caller, in: vault)
            }
        }
    }

    private func answer(
        _ request: APIRequest, _ match: RouteTable.Match, from caller: Caller, in vault: VaultRecord
    ) async throws -> VaultAnswer {
        let apiVersion = try VaultAPIVersion(request.parameter("api-version"))
        switch match {
        case .route(let route, let name, let version):
            return try await route.respond(
                VaultRequest(
                    http: request, caller: caller, vault: vault, apiVersion: apiVersion, access: access, nameText: name,
                    version: version))
        case .wrongMethod:
            throw ForeignPath.refusal(request.path)
                ?? APIError.methodNotAllowed((request.meantMethod ?? request.method).rawValue, "this path of a vault")
        case .unknown: throw ForeignPath.refusal(request.path) ?? APIError.noSuchVaultPath
        }
    }

    private func caller(of request: APIRequest, in vault: VaultRecord, _ origin: AuditOrigin) async throws -> Caller {
        do {
            return try await challenge.caller(of: request)
        } catch let refusal as APIError {
            try await audit.record(refusal, of: "Authentication", on: vault.id, by: nil, from: origin, object: nil)
            throw refusal
        }
    }
}

extension RouteTable.Match {
    /// The name in the audit trail.
    fileprivate var operation: String {
        if case .route(let route, _, _) = self { route.operation } else { "Unknown" }
    }

    fileprivate var hasObject: Bool {
        if case .route(_, let name, _) = self { name != nil } else { false }
    }
}

extension APIRequest {
    /// The method, or the one that a POST stands for, as clients ask whose way lets only GET and POST through (contract section 1.2).
    ///
    /// - Returns: nil if the header names no method.
    fileprivate var meantMethod: Method? {
        guard method == .post, let word = headers["x-http-method"] ?? headers["x-http-request"] else { return method }
        return Method(rawValue: word.uppercased())
    }

    /// The id of the object that the path names, as sent, for the audit trail.
    fileprivate var objectURL: String {
        "https://\(host)/" + path.prefix(3).map(\.shortened).joined(separator: "/")
    }
}

extension APIError {
    /// The same refusal with more headers.
    fileprivate func adding(_ more: [String: String]) -> APIError {
        APIError(
            status: status, code: code, message: message, target: target, innerCode: innerCode,
            headers: headers.merging(more) { own, _ in own })
    }
}
