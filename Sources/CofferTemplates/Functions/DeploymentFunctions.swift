import CofferModel

/// What is known of the deployment, its parameters and its variables.
enum DeploymentFunctions {
    static let all: [String: TemplateFunction] = [
        "parameters": .inContext(1...1) { arguments, evaluator, context in
            let name = try arguments.string(0)
            guard let own = context.functionParameters else { return try evaluator.parameter(name) }
            guard let value = own[name.lowercased()] else { throw arguments.failure("the function around it has no parameter '\(name.prefix(80))'") }
            return value
        },
        "variables": .inContext(1...1) { arguments, evaluator, context in
            let name = try arguments.string(0)
            guard context.functionParameters == nil else { throw arguments.failure("a user's function sees no variables") }
            return try evaluator.variable(name)
        },
        "deployment": .inContext(0...0) { _, evaluator, _ in evaluator.facts.deployment },
        "deployer": .inContext(0...0) { _, evaluator, _ in evaluator.facts.deployer },
        "environment": .inContext(0...0) { _, evaluator, _ in evaluator.facts.environment },
        "subscription": .inContext(0...0) { _, evaluator, _ in evaluator.facts.subscription },
        "resourceGroup": .inContext(0...0) { arguments, evaluator, _ in
            guard let group = evaluator.facts.resourceGroup else {
                throw arguments.failure("the deployment's scope is a subscription, which has no resource group of its own")
            }
            return group
        },
        "tenant": .inContext(0...0) { _, evaluator, _ in ["tenantId": .string(evaluator.facts.tenantID)] },
        "fail": .of(1) { arguments in throw TemplateFailure("The template calls fail: \(try arguments.string(0).prefix(500))", code: "TemplateFailed") },
    ]
}
