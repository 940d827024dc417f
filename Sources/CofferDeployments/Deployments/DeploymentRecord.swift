import CofferCore
import CofferModel

/// A deployment as stored in the collection `deployments` under its id in lower case. docs/formats/deployments.md describes it.
struct DeploymentRecord: Codable, Equatable, Sendable {
    static let collection = "deployments"

    enum State: String, Codable, Sendable {
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case canceled = "Canceled"

        var isTerminal: Bool { self != .running }
    }

    let id: ResourceID
    /// The subscription or group that it deploys to.
    let scope: ResourceID
    /// Of a deployment at the scope of a subscription.
    let location: String?
    let tags: [String: String]
    let mode: DeploymentBody.Mode
    /// Names one PUT: a later deployment of the same name has another.
    let run: String
    let correlationID: String
    let started: Timestamp
    /// The object id of whom it is done as.
    let caller: String
    let templateHash: String
    let contentVersion: String
    /// The template, sealed: it may hold secrets in clear.
    let sealedTemplate: String
    /// As they are answered: of secret ones the type alone.
    let parameters: JSONValue
    let providers: JSONValue
    let dependencies: JSONValue
    var state: State
    var ended: Timestamp?
    var outputs: JSONValue?
    var outputResources: [ResourceID]
    var error: JSONValue?

    /// Where the deployments of a scope lie in the collection.
    static func prefix(of scope: ResourceID) -> String { "\(scope.text)/providers/Microsoft.Resources/deployments/".lowercased() }

    var sealName: String { "\(id.key) \(run)" }

    /// How long it took, or has taken, as ISO 8601.
    func duration(at now: Timestamp) -> String {
        let milliseconds = max(0, (ended ?? now).milliseconds - started.milliseconds)
        let fraction = String(milliseconds % 1000 + 1000).dropFirst()
        return "PT\(milliseconds / 1000).\(fraction)S"
    }

    /// The deployment as Azure Resource Manager answers it.
    func document(at now: Timestamp) -> JSONValue {
        var properties: [String: JSONValue] = [
            "templateHash": .string(templateHash), "parameters": parameters, "mode": .string(mode.rawValue),
            "provisioningState": .string(state.rawValue), "timestamp": .string((ended ?? started).description), "duration": .string(duration(at: now)),
            "correlationId": .string(correlationID), "providers": providers, "dependencies": dependencies,
        ]
        if state.isTerminal { properties["outputResources"] = .array(outputResources.map { ["id": .string($0.text)] }) }
        if let outputs { properties["outputs"] = outputs }
        if let error { properties["error"] = error }
        var document: [String: JSONValue] = [
            "id": .string(id.text), "name": .string(id.name), "type": "Microsoft.Resources/deployments", "properties": .object(properties),
        ]
        if let location { document["location"] = .string(location) }
        if !tags.isEmpty { document["tags"] = .object(tags.mapValues { .string($0) }) }
        return .object(document)
    }
}
