import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates

/// Tells what a deployment would change, and changes nothing: compares each resource of the plan with what is there.
struct WhatIfService: Sendable {
    let preflight: Preflight
    let clock: any WallClock
    let settings: DeploymentsSettings

    /// The answer of `whatIf`.
    ///
    /// - Throws: ``APIError`` for a template that cannot be deployed.
    func changes(_ id: ResourceID, _ body: [UInt8], correlationID: String, by grant: Grant) async throws -> JSONValue {
        try DeploymentsService.checkName(id.name)
        let prepared = try await preflight.prepare(body, as: id, for: grant.caller)
        let caller = ResourceCaller(
            door: preflight.door, caller: grant.caller, authority: settings.authority, correlationID: correlationID, clock: clock)
        do {
            let comparison = Comparison(preflight: preflight, caller: caller, wantsIDsOnly: prepared.body.wantsIDsOnly)
            var changes = try await comparison.changes(of: prepared)
            changes += try await comparison.others(than: changes, in: prepared)
            changes.sort { $0.id.key < $1.id.key }
            return ["status": "Succeeded", "properties": ["correlationId": .string(correlationID), "changes": .array(changes.map(\.document))]]
        } catch let failure as TemplateFailure {
            throw failure.apiError
        }
    }
}

/// How one resource would change.
struct ResourceChange: Sendable {
    enum Kind: String, Sendable {
        case create = "Create"
        case delete = "Delete"
        case deploy = "Deploy"
        case ignore = "Ignore"
        case modify = "Modify"
        case noChange = "NoChange"
        case unsupported = "Unsupported"
    }

    let id: ResourceID
    let kind: Kind
    var before: JSONValue?
    var after: JSONValue?
    var differences: [PropertyDifference] = []
    /// Of what cannot be told.
    var reason: String?

    var document: JSONValue {
        var document: [String: JSONValue] = ["resourceId": .string(id.text), "changeType": .string(kind.rawValue)]
        if let before { document["before"] = before }
        if let after { document["after"] = after }
        if !differences.isEmpty { document["delta"] = .array(differences.map(\.document)) }
        if let reason { document["unsupportedReason"] = .string(reason) }
        return .object(document)
    }
}
