// modules: CofferCore CofferCrypto CofferModel CofferTemplates
import CofferCore
import CofferModel
@testable import CofferTemplates

/// Any text as a template's document, as an expression, and as a whole deployment. An expression that was read is written and read again the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    if let expression = try? ExpressionParser.parse(text) {
        precondition((try? ExpressionParser.parse(expression.text)) == expression, "an expression does not read back")
    }
    // What begins with an expression mark is an expression in the place of a resource's property.
    let isExpression = bytes.first == UInt8(ascii: "[")
    let source = isExpression ? wrapped(text) : (try? TemplateReader.read(bytes))
    guard let source, let template = try? Template(source) else { return 0 }
    guard let plan = try? DeploymentPlan(template: template, given: [:], facts: facts) else { return 0 }
    for index in plan.resources.indices { _ = try? plan.body(of: index, runtime: Nothing(), keepsUnknown: index % 2 == 1) }
    _ = try? plan.outputs(runtime: Nothing())
    return 0
}

private func wrapped(_ expression: String) -> JSONValue {
    [
        "$schema": "s", "contentVersion": "1", "parameters": ["p": ["type": "object", "defaultValue": ["a": [1, "b"]]]], "variables": ["v": "[parameters('p')]"],
        "resources": [["type": "A.B/c", "apiVersion": "2020-01-01", "name": "n", "properties": ["x": .string(expression)]]],
    ]
}

private struct Nothing: RuntimeReader {
    func reference(_ target: String, apiVersion: String?, isFull: Bool) throws -> JSONValue { ["properties": [:]] }
    func references(_ symbol: String, apiVersion: String?, isFull: Bool) throws -> JSONValue { [] }
    func list(_ function: String, _ target: String, apiVersion: String, body: JSONValue?) throws -> JSONValue { [:] }
    var isWaiting: Bool { false }
    func takeQuestions() -> [RuntimeQuestion] { [] }
}

private let facts = DeploymentFacts(
    scope: ResourceID(subscription: "s", group: "g"), tenantID: "t", subscription: ["id": "/subscriptions/s"], resourceGroup: ["location": "uksouth"],
    deployment: ["name": "d"], deployer: [:], environment: [:], now: Timestamp(seconds: 1_800_000_000))
