package import CofferCore
package import CofferModel

/// Records what was done and what was refused. Answered by CofferMonitor.
package protocol AuditLog: Sendable {
    /// Appends `event` durably.
    func record(_ event: AuditEvent) async throws
    /// An operation is under way, and its event will come: a log that gathers events may wait for it.
    func operationBegan()
    /// The operation has come to an end; its event comes now, if one does.
    func operationEnded()
}

extension AuditLog {
    package func operationBegan() {}
    package func operationEnded() {}
}

/// One operation, allowed or refused (contract section 5.1).
package struct AuditEvent: Equatable, Sendable {
    /// When it ended.
    package let time: Timestamp
    /// The resource acted on: a vault, a disk.
    package let resource: ResourceID
    /// Such as `KeyUnwrap` or `DiskExportKey`.
    package let operation: String
    /// The `api-version` that was asked for; nil for Coffer's own calls.
    package let operationVersion: String?
    /// The HTTP status it ended with; 200 for Coffer's own calls.
    package let status: Int
    /// The error's text if it was refused.
    package let resultDescription: String?
    package let durationMilliseconds: Int64
    package let callerAddress: String
    package let callerObjectID: String?
    package let callerApplicationID: String?
    /// Of a person who signed in, such as `ann@coffer.localhost`.
    package let callerPrincipalName: String?
    package let correlationID: String
    /// The object it was about, with its version: a key id, a disk id.
    package let object: String?
    package let clientInfo: String?
    package let requestURI: String?
    /// Of the connection, such as `TLS1_3`; nil for Coffer's own calls.
    package let tlsVersion: String?
    /// What permitted or refused it; nil if it did not come so far.
    package let access: AuditAccess?
    /// The key it was about, if it was about one.
    package let key: AuditKey?
    /// What a key was used for, such as `RSA-OAEP-256`.
    package let algorithm: String?

    package init(
        time: Timestamp, resource: ResourceID, operation: String, operationVersion: String? = nil, status: Int,
        resultDescription: String?, durationMilliseconds: Int64, callerAddress: String, callerObjectID: String?,
        callerApplicationID: String?, callerPrincipalName: String? = nil, correlationID: String, object: String?, clientInfo: String?, requestURI: String?,
        tlsVersion: String? = nil, access: AuditAccess? = nil, key: AuditKey? = nil, algorithm: String? = nil
    ) {
        self.time = time
        self.resource = resource
        self.operation = operation
        self.operationVersion = operationVersion
        self.status = status
        self.resultDescription = resultDescription
        self.durationMilliseconds = durationMilliseconds
        self.callerAddress = callerAddress
        self.callerObjectID = callerObjectID
        self.callerApplicationID = callerApplicationID
        self.callerPrincipalName = callerPrincipalName
        self.correlationID = correlationID
        self.object = object
        self.clientInfo = clientInfo
        self.requestURI = requestURI
        self.tlsVersion = tlsVersion
        self.access = access
        self.key = key
        self.algorithm = algorithm
    }
}

/// What a vault asked for permission, and its answer (`isRbacAuthorized`, `isAccessPolicyMatch`).
package enum AuditAccess: Equatable, Sendable {
    case roleAssignment(isAuthorized: Bool)
    case accessPolicy(isMatch: Bool)
}

/// A key as the audit log describes it (`keyProperties`).
package struct AuditKey: Equatable, Sendable {
    /// `RSA`, `EC-HSM`, …
    package let type: String
    /// In bits, of RSA and symmetric keys.
    package let size: Int?
    /// `P-256`, …, of elliptic curve keys.
    package let curve: String?

    package init(type: String, size: Int? = nil, curve: String? = nil) {
        self.type = type
        self.size = size
        self.curve = curve
    }
}
