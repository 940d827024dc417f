import CofferCore
import CofferModel
import CofferPlatform

/// Records what was done with disks, and what was refused.
struct DiskAuditTrail: Sendable {
    let audit: any AuditLog
    let clock: any WallClock

    /// Runs `body` and records its outcome before anybody learns it.
    ///
    /// - Throws: what `body` throws, and what the audit log throws.
    func recording(
        _ operation: String, on resource: ResourceID, _ request: APIRequest, by caller: Caller?, object: String? = nil,
        _ body: () async throws -> APIResponse
    ) async throws -> APIResponse {
        let started = clock.now()
        let outcome: Result<APIResponse, any Error>
        do {
            outcome = .success(try await body())
        } catch {
            outcome = .failure(error)
        }
        try await record(operation, on: resource, request, by: caller, object: object, since: started, outcome)
        return try outcome.get()
    }

    func record(
        _ operation: String, on resource: ResourceID, _ request: APIRequest, by caller: Caller?, object: String? = nil,
        since started: Timestamp, _ outcome: Result<APIResponse, any Error>
    ) async throws {
        let now = clock.now()
        let (status, description): (Int, String?) = switch outcome {
        case .success(let response): (response.status, nil)
        case .failure(let error as APIError): (error.status, error.message)
        case .failure: (500, "The operation failed; the log says why.")
        }
        try await audit.record(
            AuditEvent(
                time: now, resource: resource, operation: operation, status: status, resultDescription: description,
                durationMilliseconds: max(0, now.milliseconds - started.milliseconds), callerAddress: request.address,
                callerObjectID: caller?.objectID, callerApplicationID: caller?.applicationID,
                callerPrincipalName: caller?.userPrincipalName, correlationID: request.correlationID,
                object: object ?? resource.text, clientInfo: request.headers["user-agent"], requestURI: request.uri))
    }

    /// Records what Coffer did by itself.
    func record(_ operation: String, on resource: ResourceID, because reason: String) async throws {
        try await audit.record(
            AuditEvent(
                time: clock.now(), resource: resource, operation: operation, status: 200, resultDescription: reason, durationMilliseconds: 0,
                callerAddress: "", callerObjectID: Caller.platform.objectID, callerApplicationID: Caller.platform.applicationID,
                correlationID: "", object: resource.text, clientInfo: nil, requestURI: nil))
    }
}
