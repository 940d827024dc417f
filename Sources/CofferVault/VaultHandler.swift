import CofferCore
import CofferModel
package import CofferPlatform

/// Answers requests to the vaults' own hosts, `https://{vault}.{suffix}`: finds the vault and the caller, and records
/// every operation, allowed or refused, before its answer leaves.
package struct VaultHandler: APIHandler {
    let vaults: VaultsService
    let challenge: VaultChallenge
    let routes: KeysRoutes
    let audit: VaultAudit
    let clock: any WallClock

    /// - Throws: ``APIError``: 404 if no vault has the host, 401 with a challenge, and what the operation refuses.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        let started = clock.now()
        let vault = try await vaults.vault(host: request.host)
        let headers = [
            "x-ms-keyvault-region": vault.location, "cache-control": "no-cache", "pragma": "no-cache", "expires": "-1",
        ]
        do {
            let origin = AuditOrigin(request, started: started)
            let caller = try await caller(of: request, in: vault, origin)
            let call = KeyCall(request.method, request.path)
            let answer = try await audit.recording(
                call.auditName, on: vault.id, by: caller, from: origin,
                object: call.objectPath.map { "https://\(request.host)/\($0)" }
            ) {
                try await routes.answer(call, request, from: caller, in: vault)
            }
            var response = answer.response
            response.headers.merge(headers) { own, _ in own }
            return response
        } catch let refusal as APIError {
            throw refusal.adding(headers)
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

extension APIError {
    /// The same refusal with more headers.
    fileprivate func adding(_ more: [String: String]) -> APIError {
        APIError(
            status: status, code: code, message: message, target: target, innerCode: innerCode,
            headers: headers.merging(more) { own, _ in own })
    }
}
