package import CofferModel
package import CofferPlatform

extension ARMHandler {
    package func surroundings(of scope: ResourceID) async throws -> ResourceSurroundings {
        guard let id = scope.subscription, id.lowercased() == settings.subscriptionID.lowercased() else {
            throw APIError.subscriptionNotFound(scope.subscription ?? "")
        }
        var types = ProviderDocuments.ownTypes
        for provider in providers { types[provider.namespace, default: []] += provider.types }
        return ResourceSurroundings(
            subscription: SubscriptionDocuments(settings: settings).subscription,
            group: scope.group == nil ? .none : .some(try await groups.group(scope).document),
            cloud: MetadataDocument.document(for: settings, apiVersion: "2022-09-01"), types: types)
    }
}

extension [String] {
    /// A path of deployments with its provider: clients ask for the operations of a group's deployments by `…/resourcegroups/G/deployments/D/operations`.
    var withDeploymentsProvider: [String] {
        guard count >= 5, self[0].lowercased() == "subscriptions", self[2].lowercased() == "resourcegroups", self[4].lowercased() == "deployments" else {
            return self
        }
        return self[..<4] + ["providers", "Microsoft.Resources"] + self[4...]
    }
}
