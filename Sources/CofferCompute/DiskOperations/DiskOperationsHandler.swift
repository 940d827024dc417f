import CofferCore
import CofferModel
package import CofferPlatform

/// Answers `/coffer/v1/…/disks…`: finds the caller and the permission, and records every operation that opens or closes a disk or
/// reveals anything of its data, allowed or refused, before its answer leaves.
package struct DiskOperationsHandler: APIHandler {
    let routes: DiskOperationsRoutes
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    let trail: DiskAuditTrail
    let settings: ComputeSettings

    /// - Throws: ``APIError``.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        guard let call = try DiskOperationCall(request) else { throw APIError.diskPathNotFound(request.path) }
        let started = trail.clock.now()
        let caller: Caller
        do {
            caller = try await authenticator.caller(of: request, audiences: settings.audiences)
        } catch let refusal as TokenRefusal {
            let error = APIError.diskTokenRefused(refusal, settings: settings)
            if let name = call.operation.auditName {
                try await trail.record(name, on: call.scope, request, by: nil, since: started, .failure(error))
            }
            throw error
        }
        guard let name = call.operation.auditName else { return try await answer(call, request, caller: caller) }
        return try await trail.recording(name, on: call.scope, request, by: caller) { try await answer(call, request, caller: caller) }
    }

    private func answer(_ call: DiskOperationCall, _ request: APIRequest, caller: Caller) async throws -> APIResponse {
        do {
            let grant = try await authorizer.grant(call.operation.action, to: caller, on: call.scope)
            return try await routes.answer(call, request, by: grant)
        } catch let forbidden as Forbidden {
            throw APIError.diskOperationForbidden(forbidden)
        }
    }
}
