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
    ///   - model: Which permission model the operation asks; nil on the management plane, whose permissions were looked at before.
    func recording<Answer: Audited>(
        _ operation: String, on vault: ResourceID, by caller: Caller?, from origin: AuditOrigin, object: String?,
        asking model: PermissionModel? = nil, _ body: () async throws -> Answer
    ) async throws -> Answer {
        let answer: Answer
        do {
            log.operationBegan()
            defer { log.operationEnded() }
            answer = try await body()
        } catch let refusal as APIError {
            try await record(refusal, of: operation, on: vault, by: caller, from: origin, object: object, asking: model)
            throw refusal
        } catch {
            // The cause belongs to the log of the process, not to the audit trail.
            try await record(operation, vault, caller, origin, object: object, 500, "InternalError")
            throw error
        }
        try await record(
            operation, vault, caller, origin, object: answer.object ?? object, answer.status, nil, access: model?.access(true),
            key: answer.key, algorithm: answer.algorithm)
        return answer
    }

    /// Records an operation that was refused.
    func record(
        _ refusal: APIError, of operation: String, on vault: ResourceID, by caller: Caller?, from origin: AuditOrigin,
        object: String?, asking model: PermissionModel? = nil
    ) async throws {
        // Of other refusals some come before permission is asked for and some after.
        let access = refusal.isForLackOfPermission ? model?.access(false) : nil
        try await record(operation, vault, caller, origin, object: object, refusal.status, refusal.message, access: access)
    }

    /// Records what Coffer did by itself because it fell due.
    func recordOwn(_ operation: String, on vault: ResourceID, object: String?, key: AuditKey? = nil) async throws {
        let origin = AuditOrigin(started: clock.now(), address: "", correlationID: "", clientInfo: "Coffer", uri: nil)
        try await record(operation, vault, nil, origin, object: object, 200, nil, key: key)
    }

    private func record(
        _ operation: String, _ vault: ResourceID, _ caller: Caller?, _ origin: AuditOrigin, object: String?, _ status: Int,
        _ description: String?, access: AuditAccess? = nil, key: AuditKey? = nil, algorithm: String? = nil
    ) async throws {
        let now = clock.now()
        try await log.record(
            AuditEvent(
                time: now, resource: vault, operation: operation, operationVersion: origin.apiVersion, status: status,
                resultDescription: description,
                durationMilliseconds: max(0, now.milliseconds - origin.started.milliseconds),
                callerAddress: origin.address, callerObjectID: caller?.objectID,
                callerApplicationID: caller?.applicationID, callerPrincipalName: caller?.userPrincipalName,
                correlationID: origin.correlationID, object: object,
                clientInfo: origin.clientInfo, requestURI: origin.uri, tlsVersion: origin.tlsVersion, access: access, key: key, algorithm: algorithm))
    }
}

/// What a vault asks for permission.
enum PermissionModel: Sendable {
    case roleAssignments
    case accessPolicies

    fileprivate func access(_ isAllowed: Bool) -> AuditAccess {
        switch self {
        case .roleAssignments: .roleAssignment(isAuthorized: isAllowed)
        case .accessPolicies: .accessPolicy(isMatch: isAllowed)
        }
    }
}

extension VaultRecord {
    var permissionModel: PermissionModel { usesRBAC ? .roleAssignments : .accessPolicies }
}

extension APIError {
    /// Whether it says that nothing gives the caller the permission.
    fileprivate var isForLackOfPermission: Bool {
        innerCode == "ForbiddenByRbac" || innerCode == "AccessDenied" || code == "KeyVaultAccessForbidden" && innerCode == nil
    }
}

/// Where an operation came from.
struct AuditOrigin: Sendable {
    let started: Timestamp
    let address: String
    let correlationID: String
    let clientInfo: String?
    let uri: String?
    let apiVersion: String?
    let tlsVersion: String?

    init(
        started: Timestamp, address: String, correlationID: String, clientInfo: String?, uri: String?, apiVersion: String? = nil,
        tlsVersion: String? = nil
    ) {
        self.started = started
        self.address = address
        self.correlationID = correlationID
        self.clientInfo = clientInfo
        self.uri = uri
        self.apiVersion = apiVersion
        self.tlsVersion = tlsVersion
    }

    init(_ request: APIRequest, started: Timestamp) {
        self.init(
            started: started, address: request.address, correlationID: request.correlationID,
            clientInfo: request.headers["user-agent"], uri: request.uri, apiVersion: request.parameter("api-version"),
            tlsVersion: request.tlsVersion)
    }
}

/// An answer that knows how it is to be recorded.
protocol Audited {
    var status: Int { get }
    /// The id of the object it is about, with its version.
    var object: String? { get }
    /// The key, if it is about one.
    var key: AuditKey? { get }
    /// What the key was used for.
    var algorithm: String? { get }
}

extension Audited {
    var key: AuditKey? { nil }
    var algorithm: String? { nil }
}

extension APIResponse: Audited {
    var object: String? { nil }
}
