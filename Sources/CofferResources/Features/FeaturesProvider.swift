package import CofferModel
package import CofferPlatform

/// The namespace `Microsoft.Features` of Azure Resource Manager: `az feature` and `az feature registration`.
package struct FeaturesProvider: ResourceProvider {
    static let name = "Microsoft.Features"

    package let namespace = FeaturesProvider.name
    package let types = [
        ResourceTypeDescription("features", since: "2014-08-01-preview"), ResourceTypeDescription("providers", since: "2014-08-01-preview"),
        ResourceTypeDescription("featureProviders", since: "2020-09-01"),
        ResourceTypeDescription("subscriptionFeatureRegistrations", since: "2020-09-01"),
    ]
    package let operations = [
        ("Microsoft.Features/features/read", "Lists the features of a subscription"),
        ("Microsoft.Features/providers/features/read", "Reads a feature of a provider"),
        ("Microsoft.Features/providers/features/register/action", "Registers a subscription for a feature"),
        ("Microsoft.Features/providers/features/unregister/action", "Takes the registration for a feature back"),
        ("Microsoft.Features/featureProviders/subscriptionFeatureRegistrations/read", "Reads a registration for a feature"),
        ("Microsoft.Features/featureProviders/subscriptionFeatureRegistrations/write", "Registers a subscription for a feature"),
        ("Microsoft.Features/featureProviders/subscriptionFeatureRegistrations/delete", "Takes the registration for a feature back"),
    ].map { ProviderOperation(.management($0), provider: "Microsoft Features", resource: "Feature", $1) }

    private let routes: FeaturesRoutes

    package init(service: FeaturesService, tenantID: String) {
        routes = FeaturesRoutes(service: service, tenantID: tenantID)
    }

    /// - Throws: ``APIError``.
    package func handle(_ request: ARMRequest) async throws -> APIResponse { try await routes.handle(request) }

    /// None: a feature is no resource.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] { [] }

    package func delete(_ id: ResourceID, by grant: Grant) async throws { throw APIError.resourceNotFound(id) }
}
