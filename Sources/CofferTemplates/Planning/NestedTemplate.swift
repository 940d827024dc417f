import CofferModel

/// A deployment as a resource of another one.
///
/// With inner evaluation its template's expressions are its own. With outer evaluation, which is the default, they are those of the template
/// around it, and the template that is deployed has their values in their place.
struct NestedTemplate {
    private let body: JSONValue
    private let properties: [String: JSONValue]
    private let template: JSONValue
    private let isInner: Bool

    init(_ body: JSONValue) throws {
        self.body = body
        properties = body.member("properties")?.object ?? [:]
        let whole = JSONValue.object(properties)
        guard whole.member("templateLink") == nil, whole.member("parametersLink") == nil else {
            throw TemplateFailure("A nested deployment has a link: Coffer fetches nothing from elsewhere. Put the template and the parameters in their place")
        }
        guard let template = whole.member("template"), case .object = template else { throw TemplateFailure("A nested deployment has no template") }
        self.template = template
        isInner = whole.member("expressionEvaluationOptions")?.member("scope")?.string?.lowercased() == "inner"
    }

    /// What the template around it evaluates.
    var evaluatedPart: JSONValue {
        guard isInner else { return body }
        return replaced(properties.filter { $0.key.lowercased() != "template" })
    }

    /// The body of the request that deploys it.
    func body(_ evaluator: Evaluator, _ context: EvaluationContext) throws -> JSONValue {
        let outer = replaced(properties.filter { !["template", "expressionevaluationoptions"].contains($0.key.lowercased()) })
        guard case .object(var members) = try evaluator.evaluate(outer, in: context), case .object(var inner)? = members["properties"] else {
            throw TemplateFailure("A nested deployment has no properties")
        }
        inner["template"] = isInner ? template : try OuterTemplate(evaluator: evaluator, context: context).template(template)
        members["properties"] = .object(inner)
        return .object(members)
    }

    private func replaced(_ properties: [String: JSONValue]) -> JSONValue {
        var members = (body.object ?? [:]).filter { $0.key.lowercased() != "properties" }
        members["properties"] = .object(properties)
        return .object(members)
    }
}

/// Puts values in the place of a nested template's expressions.
struct OuterTemplate {
    let evaluator: Evaluator
    let context: EvaluationContext

    func template(_ source: JSONValue) throws -> JSONValue {
        // Its expressions mean the parameters and variables of the template around it, so its own are never seen.
        let kept = (source.object ?? [:]).filter { !["parameters", "variables", "functions"].contains($0.key.lowercased()) }
        return try values(of: .object(kept), isInLoop: false)
    }

    private func values(of json: JSONValue, isInLoop: Bool) throws -> JSONValue {
        switch json {
        case .string(let text): return try value(of: text, isInLoop: isInLoop)
        case .array(let elements):
            return .array(try elements.map { element in try evaluator.unlessUnknown { try values(of: element, isInLoop: isInLoop) } ?? .null })
        case .object(let members):
            let hasLoop = isInLoop || members.keys.contains { $0.lowercased() == "copy" }
            var result: [String: JSONValue] = [:]
            for (name, value) in members {
                try TemplateFailure.at(name) {
                    let isSchema = name.lowercased() == "$schema"
                    try evaluator.unlessUnknown {
                        let key = try self.value(of: name, isInLoop: hasLoop).string ?? name
                        result[key] = isSchema ? value : try values(of: value, isInLoop: hasLoop)
                    }
                }
            }
            return .object(result)
        default: return json
        }
    }

    private func value(of text: String, isInLoop: Bool) throws -> JSONValue {
        guard case .expression(let inner) = TemplateString(text) else { return .string(text) }
        let expression = try evaluator.expression(inner)
        if isInLoop, try needsOwnLoop(expression) { return .string("[\(try replaced(expression).text)]") }
        return Self.escaped(try evaluator.evaluate(expression, in: context))
    }

    /// Whether it asks for the turn of a loop that is not around the deployment.
    private func needsOwnLoop(_ expression: Expression) throws -> Bool {
        var needs = false
        expression.forEachCall { call in
            guard call.name.lowercased() == "copyindex" else { return }
            if case .literal(.string(let name))? = call.arguments.first, name.lowercased() == context.turn?.name.lowercased() { return }
            needs = true
        }
        return needs
    }

    /// The expression with a value in the place of each part that does not need a loop of the nested template.
    private func replaced(_ expression: Expression) throws -> Expression {
        if case .literal = expression { return expression }
        guard try needsOwnLoop(expression) else { return .literal(try evaluator.evaluate(expression, in: context)) }
        switch expression {
        case .literal: return expression
        case .call(let call):
            return .call(.init(namespace: call.namespace, name: call.name, arguments: try call.arguments.map { try replaced($0) }))
        case .member(let value, let name): return .member(try replaced(value), name)
        case .element(let value, let index): return .element(try replaced(value), try replaced(index))
        }
    }

    /// A value as text of a template: what begins with a bracket is no expression any more.
    private static func escaped(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): return .string(text.hasPrefix("[") ? "[" + text : text)
        case .array(let elements): return .array(elements.map(escaped))
        case .object(let members):
            return .object(Dictionary(members.map { ($0.key.hasPrefix("[") ? "[" + $0.key : $0.key, escaped($0.value)) }) { _, last in last })
        default: return value
        }
    }
}

extension Expression {
    /// As text that reads as this expression.
    var text: String {
        switch self {
        case .literal(.string(let text)): return Self.quoted(text)
        case .literal(.int(let value)): return String(value)
        case .literal(let value):
            let json = (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
            return "json(\(Self.quoted(json)))"
        case .call(let call): return "\(call.fullName)(\(call.arguments.map(\.text).joined(separator: ", ")))"
        case .member(let value, let name): return "\(value.text).\(name)"
        case .element(let value, let index): return "\(value.text)[\(index.text)]"
        }
    }

    private static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
}
