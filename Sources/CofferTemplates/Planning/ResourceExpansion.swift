import CofferModel

/// Makes the resources of a plan: carries out loops and conditions, joins children to their parents, and gives each its id.
struct ResourceExpansion {
    let evaluator: Evaluator
    private(set) var resources: [PlannedResource] = []
    /// Of loops that go batch by batch: the positions of a batch, and of the one before it.
    private(set) var batches: [ClosedRange<Int>: ClosedRange<Int>] = [:]

    init(evaluator: Evaluator) { self.evaluator = evaluator }

    /// The parent of a child that lies in it.
    private struct Parent {
        let position: Int
        let type: String
        let name: String
        let turn: EvaluationContext.Turn?
        let isWanted: Bool
    }

    mutating func expand(_ body: JSONValue, symbol: String?) throws { try expand(body, symbol: symbol, in: nil) }

    private mutating func expand(_ body: JSONValue, symbol: String?, in parent: Parent?) throws {
        guard case .object(let members) = body else { throw TemplateFailure("A resource is \(body.typeName), not an object") }
        if let unsupported = members.keys.first(where: { ["import", "extension", "asserts", "@options"].contains($0.lowercased()) }) {
            throw TemplateFailure("The member '\(unsupported)' of a resource is not supported here")
        }
        guard let copy = body.member("copy"), copy != .null else {
            try make(body, symbol: symbol, turn: parent?.turn, in: parent)
            return
        }
        guard parent == nil else { throw TemplateFailure("A resource that lies in its parent cannot have a copy loop: move it to the top level") }
        guard case .object = copy else { throw TemplateFailure("The member 'copy' of a resource is \(copy.typeName), not an object") }
        try loop(copy, body, symbol: symbol)
    }

    private mutating func loop(_ copy: JSONValue, _ body: JSONValue, symbol: String?) throws {
        let outside = EvaluationContext(.resource)
        let name = try copy.member("name").map { try evaluator.string($0, "name of a copy loop", in: outside) } ?? symbol ?? ""
        guard let countJSON = copy.member("count") else { throw TemplateFailure("The copy loop has no count") }
        let count = try evaluator.count(countJSON, in: outside)
        let isSerial = try copy.member("mode").map { try evaluator.string($0, "mode of a copy loop", in: outside).lowercased() == "serial" } ?? false
        let batchSize = try copy.member("batchSize").map { try evaluator.evaluate($0, in: outside).int ?? 0 } ?? 1
        guard batchSize >= 1 else { throw TemplateFailure("The batch size of a copy loop is no integer of at least 1") }
        var previous: ClosedRange<Int>?
        var start = resources.count
        for index in 0..<count {
            try make(body, symbol: symbol, turn: .init(name: name, index: index), in: nil)
            guard isSerial, (index + 1) % batchSize == 0 || index + 1 == count else { continue }
            let batch = start...(resources.count - 1)
            if let previous { batches[batch] = previous }
            previous = batch
            start = resources.count
        }
    }

    private mutating func make(_ body: JSONValue, symbol: String?, turn: EvaluationContext.Turn?, in parent: Parent?) throws {
        guard resources.count < TemplateLimits.resources else {
            throw TemplateFailure.tooMany(resources.count + 1, "resources with their copies", TemplateLimits.resources)
        }
        let context = EvaluationContext(.resource, turn: turn)
        let ownType = try evaluator.string(body.member("type"), "type of a resource", in: context)
        let type = parent.map { ownType.lowercased().hasPrefix("\($0.type)/".lowercased()) ? ownType : "\($0.type)/\(ownType)" } ?? ownType
        let ownName = try evaluator.string(body.member("name"), "name of a resource of the type '\(type)'", in: context)
        let name = parent.map { "\($0.name)/\(ownName)" } ?? ownName
        let apiVersion = try evaluator.string(body.member("apiVersion"), "apiVersion of the resource '\(name)'", in: context)
        let isExisting = try flag(body.member("existing"), "existing", context) ?? false
        let isWanted = try (flag(body.member("condition"), "condition", context) ?? true) && parent?.isWanted ?? true
        let id = try ResourceScope(evaluator: evaluator, context: context).id(of: body, type: type, name: name)
        var dependsOn: [String] = []
        if let listed = body.member("dependsOn"), listed != .null {
            guard case .array(let elements) = try evaluator.evaluate(listed, in: context) else { throw TemplateFailure("The member 'dependsOn' is not an array") }
            dependsOn = try elements.map { element in
                guard case .string(let target) = element else { throw TemplateFailure("An element of 'dependsOn' is \(element.typeName), not a string") }
                return target
            }
        }
        let kept = (body.object ?? [:]).filter { !PlannedResource.templateMembers.contains($0.key.lowercased()) }
        let position = resources.count
        resources.append(PlannedResource(
            symbol: symbol, turn: turn, id: id, type: id.resourceType ?? type, apiVersion: apiVersion, isExisting: isExisting, isWanted: isWanted,
            body: .object(kept), dependsOn: dependsOn, parent: parent?.position))
        let inside = Parent(position: position, type: type, name: name, turn: turn, isWanted: isWanted)
        switch body.member("resources") ?? .null {
        case .array(let children):
            for (index, child) in children.enumerated() { try TemplateFailure.at("resources[\(index)]") { try expand(child, symbol: nil, in: inside) } }
        case .object(let children):
            for (symbol, child) in children.sorted(by: { $0.key < $1.key }) {
                try TemplateFailure.at("resources.\(symbol)") { try expand(child, symbol: symbol, in: inside) }
            }
        case .null: break
        default: throw TemplateFailure("The member 'resources' of '\(name)' is no array")
        }
    }

    private func flag(_ json: JSONValue?, _ what: String, _ context: EvaluationContext) throws -> Bool? {
        guard let json, json != .null else { return nil }
        switch try evaluator.evaluate(json, in: context) {
        case .bool(let value): return value
        case .string(let text) where text.lowercased() == "true": return true
        case .string(let text) where text.lowercased() == "false": return false
        default: throw TemplateFailure("The member '\(what)' of a resource is not a boolean")
        }
    }
}
