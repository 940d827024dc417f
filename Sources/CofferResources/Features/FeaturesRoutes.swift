import CofferModel
import CofferPlatform

/// The paths of `Microsoft.Features`. Decodes, calls ``FeaturesService``, encodes.
struct FeaturesRoutes: Sendable {
    let service: FeaturesService
    let tenantID: String

    func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = request.path.filter { !$0.isEmpty }
        let words = path.map { $0.lowercased() }
        guard request.group == nil else { throw APIError.featuresPathNotServed(path) }
        switch (words.first, words.count) {
        case ("features", 1): return try await list(of: nil, request)
        case ("providers", 3) where words[2] == "features": return try await list(of: path[1], request)
        case ("providers", 4) where words[2] == "features":
            try require([.get, .head], request)
            return try .json(try await service.feature(path[3], of: path[1], in: request.subscription).document)
        case ("providers", 5) where words[2] == "features" && ["register", "unregister"].contains(words[4]):
            try require([.post], request)
            let state: FeatureRecord.State = words[4] == "register" ? .registered : .unregistered
            return try .json(try await service.set(path[3], of: path[1], to: state, by: request.grant, in: request.subscription).document)
        case ("subscriptionfeatureregistrations", 1): return try await registrations(of: nil, request)
        case ("featureproviders", 3) where words[2] == "subscriptionfeatureregistrations": return try await registrations(of: path[1], request)
        case ("featureproviders", 4) where words[2] == "subscriptionfeatureregistrations":
            return try await registration(path[3], of: path[1], request)
        default: throw APIError.featuresPathNotServed(path)
        }
    }

    private func list(of namespace: String?, _ request: ARMRequest) async throws -> APIResponse {
        try require([.get, .head], request)
        let features = try await service.features(of: namespace, in: request.subscription)
        return try .json(["value": .array(features.map(\.document))] as JSONValue)
    }

    /// Those that were registered once, as Azure lists no others here.
    private func registrations(of namespace: String?, _ request: ARMRequest) async throws -> APIResponse {
        try require([.get, .head], request)
        let features = try await service.features(of: namespace, in: request.subscription).filter { $0.record != nil }
        return try .json(["value": .array(features.map { $0.registrationDocument(tenant: tenantID) })] as JSONValue)
    }

    private func registration(_ name: String, of namespace: String, _ request: ARMRequest) async throws -> APIResponse {
        let subscription = request.subscription
        switch request.http.method {
        case .get, .head:
            return try .json(try await service.feature(name, of: namespace, in: subscription).registrationDocument(tenant: tenantID))
        case .put:
            let shown = try await service.set(name, of: namespace, to: .registered, by: request.grant, in: subscription)
            return try .json(shown.registrationDocument(tenant: tenantID))
        case .delete:
            guard try await service.feature(name, of: namespace, in: subscription).record?.state == .registered else { return .noContent }
            _ = try await service.set(name, of: namespace, to: .unregistered, by: request.grant, in: subscription)
            return APIResponse(status: 200)
        case .post, .patch: throw APIError.methodNotAllowed(request.http.method.rawValue, request.http.uri)
        }
    }

    private func require(_ methods: [APIRequest.Method], _ request: ARMRequest) throws {
        guard methods.contains(request.http.method) else { throw APIError.methodNotAllowed(request.http.method.rawValue, request.http.uri) }
    }
}
