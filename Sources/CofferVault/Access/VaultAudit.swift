import CofferCore
import CofferModel
import CofferPlatform

/// Records what was done with a vault and what was refused (contract section 5.1).
struct VaultAudit: Sendable {
    let log: any AuditLog
    let clock: any WallClock

    /// Runs `body` and records how it ended, before its answer or error leaves.
    ///
    /// - Parameters:
    ///   - operation: Such as `KeyUnwrap`.
    ///   - object: The id of what the request is about; `body` may name it better.
    func recording<Answer: Audited>(
        _ operation: String, on vault: ResourceID, by caller: Caller?, from origin: AuditOrigin, object: String?,
        _ body: () async throws -> Answer
    ) async throws -> Answer {
        do {
            let answer = try await body()
            try await record(operation, vault, caller, origin, object: answer.object ?? object, answer.status, nil)
            return answer
        } catch let refusal as APIError {
            try await record(refusal, of: operation, on: vault, by: caller, from: origin, object: object)
            throw refusal
        } catch {
            // The cause belongs to the log of the process, not to the audit trail.
            try await record(operation, vault, caller, origin, object: object, 500, "InternalError")
            throw error
        }
    }

    /// Records an operation that was refused.
    func record(
        _ refusal: APIError, of operation: String, on vault: ResourceID, by caller: Caller?, from origin: AuditOrigin,
        object: String?
    ) async throws {
        try await record(operation, vault, caller, origin, object: object, refusal.status, refusal.message)
    }

    private func record(
        _ operation: String, _ vault: ResourceID, _ caller: Caller?, _ origin: AuditOrigin, object: String?, _ status: Int,
        _ description: String?
    ) async throws {
        let now = clock.now()
        try await log.record(
            AuditEvent(
                time: now, resource: vault, operation: operation, status: status, resultDescription: description,
                durationMilliseconds: max(0, now.milliseconds - origin.started.milliseconds),
                callerAddress: origin.address, callerObjectID: caller?.objectID,
                callerApplicationID: caller?.applicationID, correlationID: origin.correlationID, object: object,
                clientInfo: origin.clientInfo, requestURI: origin.uri))
    }
}

/// Where an operation came from.
struct AuditOrigin: Sendable {
    let started: Timestamp
    let address: String
    let correlationID: String
    let clientInfo: String?
    let uri: String?

    init(started: Timestamp, address: String, correlationID: String, clientInfo: String?, uri: String?) {
        self.started = started
        self.address = address
        self.correlationID = correlationID
        self.clientInfo = clientInfo
        self.uri = uri
    }

    init(_ request: APIRequest, started: Timestamp) {
        self.init(
            started: started, address: request.address, correlationID: request.correlationID,
            clientInfo: request.headers["user-agent"], uri: request.uri)
    }
}

/// An answer that knows how it is to be recorded.
protocol Audited {
    var status: Int { get }
    /// The id of the object it is about, with its version.
    var object: String? { get }
}

extension APIResponse: Audited {
    var object: String? { nil }
}
