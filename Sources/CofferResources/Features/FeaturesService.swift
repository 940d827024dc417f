package import CofferCore
import CofferModel
package import CofferPlatform

/// Which features a subscription is registered for.
package struct FeaturesService: SubscriptionFeatures {
    private let store: any Store
    private let clock: any WallClock

    package init(store: any Store, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    package func isRegistered(_ feature: String, of namespace: String, in subscription: String) async throws -> Bool {
        guard let known = Feature.named(feature, of: namespace) else { return false }
        return try await show(known, in: subscription).record?.state == .registered
    }

    /// - Parameter namespace: Nil for those of all.
    func features(of namespace: String?, in subscription: String) async throws -> [ShownFeature] {
        var found: [ShownFeature] = []
        for feature in Feature.all where namespace.map({ $0.lowercased() == feature.namespace.lowercased() }) ?? true {
            found.append(try await show(feature, in: subscription))
        }
        return found
    }

    /// - Throws: ``APIError/featureNotFound(_:of:)``.
    func feature(_ name: String, of namespace: String, in subscription: String) async throws -> ShownFeature {
        try await show(try known(name, of: namespace), in: subscription)
    }

    /// Registers a feature or takes that back. What was made with it stays as it is.
    ///
    /// - Throws: ``APIError/featureNotFound(_:of:)``.
    func set(_ name: String, of namespace: String, to state: FeatureRecord.State, by grant: Grant, in subscription: String) async throws -> ShownFeature {
        let feature = try known(name, of: namespace)
        let now = clock.now()
        let record = try await store.write { transaction in
            let id = FeatureRecord.id(feature, in: subscription)
            let old = try transaction.value(FeatureRecord.self, id, in: FeatureRecord.collection)?.value
            if let old, old.state == state { return old }
            let record = FeatureRecord(
                namespace: feature.namespace, name: feature.name, state: state, changed: now, changedBy: grant.caller.objectID)
            try transaction.put(record, id, in: FeatureRecord.collection)
            return record
        }
        return ShownFeature(feature: feature, subscription: subscription, record: record)
    }

    private func known(_ name: String, of namespace: String) throws -> Feature {
        guard let feature = Feature.named(name, of: namespace) else { throw APIError.featureNotFound(name, of: namespace) }
        return feature
    }

    private func show(_ feature: Feature, in subscription: String) async throws -> ShownFeature {
        let id = FeatureRecord.id(feature, in: subscription)
        let record = try await store.read { try $0.value(FeatureRecord.self, id, in: FeatureRecord.collection)?.value }
        return ShownFeature(feature: feature, subscription: subscription, record: record)
    }
}
