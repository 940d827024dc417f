import CofferModel

/// Refusals of `Microsoft.Features`.
extension APIError {
    /// 404: Azure may have it, and nothing here asks for it.
    static func featureNotFound(_ name: String, of namespace: String) -> APIError {
        APIError(
            status: 404, code: "FeatureNotFound",
            message: "The feature '\(name.prefix(200))' could not be found in '\(namespace.prefix(200))'. There are here: "
                + Feature.all.map(\.fullName).joined(separator: ", ") + ".")
    }

    static func featuresPathNotServed(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "'\(path.joined(separator: "/").prefix(200))' could not be found in the namespace 'Microsoft.Features'. It has here: features, "
                + "providers/NAMESPACE/features (with register and unregister), subscriptionFeatureRegistrations and "
                + "featureProviders/NAMESPACE/subscriptionFeatureRegistrations.")
    }
}
