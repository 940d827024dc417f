import CofferCore
import CofferModel

/// What was said of one feature for one subscription, as stored in the collection `features` under ``id(_:in:)``. A feature that was
/// never registered has no record.
struct FeatureRecord: Codable, Equatable, Sendable {
    static let collection = "features"

    /// The words that Azure has for it. Here a registration needs nobody's approval and is complete at once, so that `Registering`,
    /// `Unregistering` and `Pending` do not occur.
    enum State: String, Codable, Sendable {
        case registered = "Registered"
        case unregistered = "Unregistered"
    }

    let namespace: String
    let name: String
    var state: State
    /// When it was last registered or unregistered.
    var changed: Timestamp
    /// The object id of who did it.
    var changedBy: String

    static func id(_ feature: Feature, in subscription: String) -> String {
        "/subscriptions/\(subscription)/\(feature.fullName)".lowercased()
    }
}

/// A feature as it is for a subscription.
struct ShownFeature: Sendable {
    /// The word for a feature that was never registered.
    static let notRegistered = "NotRegistered"

    let feature: Feature
    let subscription: String
    /// Nil if it was never registered.
    let record: FeatureRecord?

    private var state: String { record?.state.rawValue ?? Self.notRegistered }

    /// As `Microsoft.Features/providers/features`.
    var document: JSONValue {
        [
            "id": .string(
                "/subscriptions/\(subscription)/providers/\(FeaturesProvider.name)/providers/\(feature.namespace)/features/\(feature.name)"),
            "name": .string(feature.fullName), "type": "Microsoft.Features/providers/features", "properties": ["state": .string(state)],
        ]
    }

    /// As `Microsoft.Features/featureProviders/subscriptionFeatureRegistrations`, the newer way to the same thing.
    func registrationDocument(tenant: String) -> JSONValue {
        var properties: [String: JSONValue] = [
            "subscriptionId": .string(subscription), "tenantId": .string(tenant), "featureName": .string(feature.name),
            "providerNamespace": .string(feature.namespace), "displayName": .string(feature.name), "description": .string(feature.description),
            "state": .string(state), "approvalType": "AutoApproval", "authorizationProfile": [:],
        ]
        properties["registrationDate"] = record.map { .string($0.changed.description) }
        return [
            "id": .string(
                "/subscriptions/\(subscription)/providers/\(FeaturesProvider.name)/featureProviders/\(feature.namespace)"
                    + "/subscriptionFeatureRegistrations/\(feature.name)"),
            "name": .string(feature.name), "type": "Microsoft.Features/featureProviders/subscriptionFeatureRegistrations",
            "properties": .object(properties),
        ]
    }
}
