import CofferModel

/// Finds what the expressions of a resource refer to with `reference`, `references` and `list…`: it waits for that, as Azure has it, without a `dependsOn`.
struct ReferenceScan {
    let evaluator: Evaluator
    let turn: EvaluationContext.Turn?

    /// The targets as the expressions give them. What can be known only while the deployment runs is no target.
    func targets(in resource: PlannedResource) -> Set<String> {
        var targets: Set<String> = []
        let nested = resource.isDeployment ? try? NestedTemplate(resource.body) : nil
        scan(nested?.evaluatedPart ?? resource.body, EvaluationContext(.resource, turn: turn), into: &targets)
        return targets
    }

    private func scan(_ json: JSONValue, _ context: EvaluationContext, into targets: inout Set<String>) {
        switch json {
        case .string(let text):
            guard case .expression(let inner) = TemplateString(text), let expression = try? evaluator.expression(inner) else { return }
            expression.forEachCall { call in
                let name = call.name.lowercased()
                guard call.namespace == nil, ["reference", "references"].contains(name) || name.hasPrefix("list"), let argument = call.arguments.first,
                    case .string(let target)? = try? evaluator.evaluate(argument, in: context)
                else { return }
                targets.insert(target)
            }
        case .array(let elements):
            for element in elements { scan(element, context, into: &targets) }
        case .object(let members):
            for (name, value) in members {
                if name.lowercased() == "copy", let loops = try? PropertyLoop.loops(in: value) {
                    for loop in loops { scan(loop, context, into: &targets) }
                } else {
                    scan(.string(name), context, into: &targets)
                    scan(value, context, into: &targets)
                }
            }
        default: break
        }
    }

    private func scan(_ loop: PropertyLoop, _ context: EvaluationContext, into targets: inout Set<String>) {
        guard let count = try? evaluator.count(loop.count, in: context) else { return }
        for index in 0..<count {
            // When all that is allowed is spent, the evaluation that follows says so.
            guard (try? evaluator.spend(PropertyLoop.effort)) != nil else { return }
            var inner = context
            inner.innerTurns.append(.init(name: loop.name, index: index))
            scan(loop.input, inner, into: &targets)
        }
    }
}
