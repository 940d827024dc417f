import CofferCore
import CofferModel
package import CofferPlatform

/// Answers `/coffer/v1/…/disks…`: finds the caller and the permission, and records every operation that opens or closes a disk or
/// reveals anything of its data, allowed or refused, before its answer leaves.
package struct DiskOperationsHandler: APIHandler {
    let routes: DiskOperationsRoutes
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    let audit: any AuditLog
    let clock: any WallClock
    let settings: ComputeSettings

    /// - Throws: ``APIError``.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        guard let call = try DiskOperationCall(request) else { throw APIError.diskPathNotFound(request.path) }
        let started = clock.now()
        let caller: Caller
        do {
            caller = try await authenticator.caller(of: request, audiences: settings.audiences)
        } catch let refusal as TokenRefusal {
            let error = APIError.diskTokenRefused(refusal, settings: settings)
            try await record(call, request, caller: nil, started: started, outcome: .failure(error))
            throw error
        }
        let outcome: Result<APIResponse, any Error>
        do {
            outcome = .success(try await answer(call, request, caller: caller))
        } catch let forbidden as Forbidden {
            outcome = .failure(APIError.diskOperationForbidden(forbidden))
        } catch {
            outcome = .failure(error)
        }
        try await record(call, request, caller: caller, started: started, outcome: outcome)
        return try outcome.get()
    }

    private func answer(_ call: DiskOperationCall, _ request: APIRequest, caller: Caller) async throws -> APIResponse {
        let grant = try await authorizer.grant(call.operation.action, to: caller, on: call.scope)
        return try await routes.answer(call, request, by: grant)
    }

    private func record(
        _ call: DiskOperationCall, _ request: APIRequest, caller: Caller?, started: Timestamp, outcome: Result<APIResponse, any Error>
    ) async throws {
        guard let name = call.operation.auditName else { return }
        let now = clock.now()
        let (status, description): (Int, String?) = switch outcome {
        case .success(let response): (response.status, nil)
        case .failure(let error as APIError): (error.status, error.message)
        case .failure: (500, "The operation failed; the log says why.")
        }
        try await audit.record(
            AuditEvent(
                time: now, resource: call.scope, operation: name, status: status, resultDescription: description,
                durationMilliseconds: max(0, now.milliseconds - started.milliseconds), callerAddress: request.address,
                callerObjectID: caller?.objectID, callerApplicationID: caller?.applicationID,
                callerPrincipalName: caller?.userPrincipalName, correlationID: request.correlationID,
                object: call.scope.text, clientInfo: request.headers["user-agent"], requestURI: request.uri))
    }
}
