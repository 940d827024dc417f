import CofferCore
import CofferModel

/// What a deployment did with one resource, as stored in the collection `deployment-operations`.
struct OperationRecord: Codable, Equatable, Sendable {
    static let collection = "deployment-operations"

    enum Kind: String, Codable, Sendable {
        case create = "Create"
        case delete = "Delete"
        case evaluateOutputs = "EvaluateDeploymentOutput"
    }

    let deployment: ResourceID
    /// Of a deployment's operations each has another.
    let operationID: String
    let kind: Kind
    let target: ResourceID?
    let started: Timestamp
    var ended: Timestamp?
    /// `Running`, `Succeeded` or `Failed`.
    var state: String
    /// Such as `OK` or `Conflict`; nil while it runs.
    var statusCode: String?
    /// `{"error": …}` of one that failed.
    var statusMessage: JSONValue?
    let requestID: String

    static func prefix(of deployment: ResourceID) -> String { "\(deployment.key)/operations/" }

    var documentID: String { Self.prefix(of: deployment) + operationID.lowercased() }

    /// The operation as Azure Resource Manager answers it.
    func document(at now: Timestamp) -> JSONValue {
        let milliseconds = max(0, (ended ?? now).milliseconds - started.milliseconds)
        var properties: [String: JSONValue] = [
            "provisioningOperation": .string(kind.rawValue), "provisioningState": .string(state), "timestamp": .string((ended ?? started).description),
            "duration": .string("PT\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst())S"), "trackingId": .string(requestID),
            "serviceRequestId": .string(requestID),
        ]
        if let statusCode { properties["statusCode"] = .string(statusCode) }
        if let statusMessage { properties["statusMessage"] = statusMessage }
        if let target {
            properties["targetResource"] = [
                "id": .string(target.text), "resourceType": .string(target.resourceType ?? "Microsoft.Resources/resourceGroups"),
                "resourceName": .string(target.namespace == nil ? target.name : target.segments.map(\.name).joined(separator: "/")),
            ]
        }
        return [
            "id": .string("\(deployment.text)/operations/\(operationID)"), "operationId": .string(operationID), "properties": .object(properties),
        ]
    }
}
