import CofferCore
import CofferModel
import CofferPlatform
import Foundation

/// Writes down how a deployment goes on. While the deployment is running and is this run's, that is: after a cancellation, or after another process
/// took it for dead, what is on its way still says how it ended, and nothing more begins.
struct DeploymentProgress: Sendable {
    /// How long a process that says nothing is taken to be alive.
    static let lease = Duration.seconds(20)
    /// How often a running deployment says that it is alive.
    static let beat = Duration.seconds(4)

    let store: any Store
    let clock: any WallClock
    let deployment: ResourceID
    let run: String

    /// The deployment was cancelled, or is not this run's any more.
    struct Lost: Error {}

    /// Prolongs the lease.
    ///
    /// - Throws: ``Lost``.
    func beat() async throws {
        let end = clock.now().adding(Self.lease)
        try await whileRunning { [deployment, run] transaction in
            try transaction.setRunning(deployment, RunningDeployment(run: run, leaseEnd: end))
        }
    }

    /// - Throws: ``Lost``.
    func finish(_ state: DeploymentRecord.State, outputs: JSONValue?, resources: [ResourceID], error: JSONValue?) async throws {
        let now = clock.now()
        try await whileRunning { [deployment] transaction in
            guard var record = try transaction.value(DeploymentRecord.self, deployment.key, in: DeploymentRecord.collection)?.value else { throw Lost() }
            record.state = state
            record.ended = now
            record.outputs = outputs
            record.outputResources = resources
            record.error = error
            try transaction.putEnded(record)
        }
    }

    private func whileRunning(_ body: @escaping @Sendable (any WriteTransaction) throws -> Void) async throws {
        try await store.write { [deployment, run] transaction in
            guard try transaction.running(deployment)?.run == run else { throw Lost() }
            try body(transaction)
        }
    }

    /// Begins an operation.
    ///
    /// - Throws: ``Lost``, so that a deployment that was canceled begins nothing more, wherever it runs.
    func begin(_ kind: OperationRecord.Kind, _ target: ResourceID?) async throws -> OperationRecord {
        let operation = OperationRecord(
            deployment: deployment, operationID: OperationRecord.id(kind, target), kind: kind, target: target, started: clock.now(), state: "Running",
            requestID: UUID().uuidString.lowercased())
        try await whileRunning { try $0.put(operation, operation.documentID, in: OperationRecord.collection) }
        return operation
    }

    /// Ends an operation; of a deployment that is gone, or is another one by now, nothing is written.
    func end(_ operation: OperationRecord, _ error: APIError?, status: Int) async throws {
        var operation = operation
        operation.ended = clock.now()
        operation.state = error == nil ? "Succeeded" : "Failed"
        operation.statusCode = StatusName.text(of: error?.status ?? status)
        operation.statusMessage = error.map { ["status": "Failed", "error": $0.detail(of: nil)] }
        try await store.write { [operation] transaction in
            let begun = try transaction.value(OperationRecord.self, operation.documentID, in: OperationRecord.collection)?.value
            guard begun?.requestID == operation.requestID else { return }
            try transaction.put(operation, operation.documentID, in: OperationRecord.collection)
        }
    }
}

extension OperationRecord {
    /// Sixteen hexadecimal digits that belong to the kind and the target.
    static func id(_ kind: Kind, _ target: ResourceID?) -> String {
        let name = "\(kind.rawValue) \(target?.key ?? "")"
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension APIError {
    /// As an element of `details` of another error.
    func detail(of target: ResourceID?) -> JSONValue {
        var detail: [String: JSONValue] = ["code": .string(code), "message": .string(message)]
        if let target = target?.text ?? self.target { detail["target"] = .string(target) }
        return .object(detail)
    }
}

/// The names of HTTP statuses in operations.
enum StatusName {
    static func text(of status: Int) -> String {
        [
            200: "OK", 201: "Created", 202: "Accepted", 204: "NoContent", 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound",
            405: "MethodNotAllowed", 409: "Conflict", 412: "PreconditionFailed", 429: "TooManyRequests", 500: "InternalServerError", 503: "ServiceUnavailable",
        ][status] ?? String(status)
    }
}
