import CofferCore
import CofferModel
import CofferTemplates

/// Templates and what is around them.
enum Samples {
    static let subscription = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
    static let tenant = "11111111-2222-3333-4444-555555555555"
    static let group = ResourceID(subscription: subscription, group: "rg1")

    static func facts(_ scope: ResourceID = group) -> DeploymentFacts {
        DeploymentFacts(
            scope: scope, tenantID: tenant,
            subscription: [
                "id": .string("/subscriptions/\(subscription)"), "subscriptionId": .string(subscription), "tenantId": .string(tenant), "displayName": "Test",
            ],
            resourceGroup: scope.group.map { ["id": .string(scope.text), "name": .string($0), "location": "uksouth"] },
            deployment: ["name": "d1", "properties": ["mode": "Incremental"]], deployer: ["objectId": "o1"],
            environment: ["suffixes": ["keyvaultDns": ".vault.localhost:8443"]], now: Timestamp(seconds: 1_767_225_600))
    }

    /// A template with the sections that are given as JSON text.
    static func source(_ sections: String) throws -> JSONValue {
        let head = "$schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', contentVersion: '1.0.0.0'"
        return try TemplateReader.read(Array("{\(head), \(sections.isEmpty ? "resources: []" : sections)}".utf8))
    }

    static func template(_ sections: String) throws -> Template { try Template(try source(sections)) }

    static func plan(_ sections: String, _ given: [String: JSONValue] = [:], scope: ResourceID = group, masksSecrets: Bool = false) throws -> DeploymentPlan {
        try DeploymentPlan(template: try template(sections), given: given, facts: facts(scope), masksSecrets: masksSecrets)
    }

    /// The value of an expression, in the place of an output.
    static func value(_ expression: String, _ sections: String = "resources: []", _ given: [String: JSONValue] = [:]) throws -> JSONValue {
        let evaluator = Evaluator(template: try template(sections), given: given, facts: facts())
        return try evaluator.evaluate(text: "[\(expression)]", in: EvaluationContext(.output, runtime: NoRuntime()))
    }

    static func json(_ text: String) throws -> JSONValue { try TemplateReader.read(Array(text.utf8)) }

    /// The failure of `body`, whose message the tests look at.
    static func failure(_ body: () throws -> Void) -> TemplateFailure? {
        do {
            try body()
            return nil
        } catch {
            return error as? TemplateFailure
        }
    }
}

/// Knows nothing, and says what was asked.
struct NoRuntime: RuntimeReader {
    func reference(_ target: String, apiVersion: String?, isFull: Bool) throws -> JSONValue { ["asked": .string(target)] }
    func references(_ symbol: String, apiVersion: String?, isFull: Bool) throws -> JSONValue { [["asked": .string(symbol)]] }
    func list(_ function: String, _ target: String, apiVersion: String, body: JSONValue?) throws -> JSONValue { ["asked": .string(function)] }
    var isWaiting: Bool { false }
    func takeQuestions() -> [RuntimeQuestion] { [] }
}
