package import CofferModel
package import CofferPlatform

/// `Microsoft.Resources/deployments`, as Azure Resource Manager asks for it.
package struct DeploymentsProvider: ResourceProvider {
    let routes: DeploymentsRoutes

    package let namespace = "Microsoft.Resources"
    package let types = [
        ResourceTypeDescription("deployments", since: "2015-11-01"), ResourceTypeDescription("deployments/operations", since: "2015-11-01"),
    ]

    package let operations: [ProviderOperation] = [
        ("read", "Read and list deployments"), ("write", "Begin a deployment"), ("delete", "Forget a deployment; what it deployed stays"),
        ("cancel/action", "Cancel a deployment"), ("validate/action", "Validate a template without deploying it"),
        ("whatIf/action", "Tell what a deployment would change"), ("exportTemplate/action", "Read the template of a deployment"),
        ("operations/read", "Read and list the operations of a deployment"), ("operationstatuses/read", "Read the state of a deployment while it runs"),
    ].map { action, sentence in
        ProviderOperation(.management("Microsoft.Resources/deployments/\(action)"), provider: "Microsoft Resources", resource: "Deployment", sentence)
    }

    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        guard request.path.first?.lowercased() == "deployments" else { throw APIError.methodNotAllowed(request.http.method.rawValue, request.http.uri) }
        let asked = request.grant.scope
        guard let subscription = asked.subscription else { throw APIError.deploymentScopeNotSupported() }
        let scope = ResourceID(subscription: subscription, group: asked.group)
        guard asked == scope || asked.key.hasPrefix("\(scope.key)/providers/microsoft.resources/") else { throw APIError.deploymentScopeNotSupported() }
        return try await routes.handle(request, scope: scope, rest: Array(request.path.dropFirst()))
    }

    /// Deployments are no resources of a group's lists.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] { [] }

    package func delete(_ id: ResourceID, by grant: Grant) async throws {}
}
