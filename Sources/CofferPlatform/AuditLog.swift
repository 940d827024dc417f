package import CofferCore
package import CofferModel

/// Records what was done and what was refused. Answered by CofferMonitor.
package protocol AuditLog: Sendable {
    /// Appends `event` durably.
    func record(_ event: AuditEvent) async throws
}

/// One operation, allowed or refused (contract section 5.1).
package struct AuditEvent: Codable, Equatable, Sendable {
    /// When it ended.
    package let time: Timestamp
    /// The resource acted on: a vault, a disk.
    package let resource: ResourceID
    /// Such as `KeyUnwrap` or `DiskExportKey`.
    package let operation: String
    /// The HTTP status it ended with; 200 for Coffer's own calls.
    package let status: Int
    /// The error's text if it was refused.
    package let resultDescription: String?
    package let durationMilliseconds: Int64
    package let callerAddress: String
    package let callerObjectID: String?
    package let callerApplicationID: String?
    package let correlationID: String
    /// The object it was about, with its version: a key id, a disk id.
    package let object: String?
    package let clientInfo: String?
    package let requestURI: String?

    package init(
        time: Timestamp, resource: ResourceID, operation: String, status: Int, resultDescription: String?,
        durationMilliseconds: Int64, callerAddress: String, callerObjectID: String?, callerApplicationID: String?,
        correlationID: String, object: String?, clientInfo: String?, requestURI: String?
    ) {
        self.time = time
        self.resource = resource
        self.operation = operation
        self.status = status
        self.resultDescription = resultDescription
        self.durationMilliseconds = durationMilliseconds
        self.callerAddress = callerAddress
        self.callerObjectID = callerObjectID
        self.callerApplicationID = callerApplicationID
        self.correlationID = correlationID
        self.object = object
        self.clientInfo = clientInfo
        self.requestURI = requestURI
    }
}
