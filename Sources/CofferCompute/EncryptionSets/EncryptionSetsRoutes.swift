import CofferModel
import CofferPlatform

/// `Microsoft.Compute/diskEncryptionSets`. Decodes, calls ``EncryptionSetsService``, encodes; decides nothing.
struct EncryptionSetsRoutes: Sendable {
    static let type = "diskEncryptionSets"

    let service: EncryptionSetsService
    let rules: RuleBook
    let settings: ComputeSettings

    /// - Parameter path: The segments after `diskEncryptionSets`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.sets(in: scope).map(EncryptionSetResource.init)))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        if path.count == 2, path[1].lowercased() == "associatedresources" {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, id.text) }
            let resources = try await service.associatedResources(of: id, by: request.grant)
            return try .json(ResourceList(value: resources.map(\.text)))
        }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        switch method {
        case .get, .head:
            return try .json(EncryptionSetResource(try await service.set(id, by: request.grant)))
        case .put:
            return try .json(EncryptionSetResource(try await service.put(id, as: specification(request), by: request.grant)))
        case .patch:
            return try .json(EncryptionSetResource(try await service.patch(id, with: specification(request), by: request.grant)))
        case .delete:
            return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post:
            throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func specification(_ request: ARMRequest) throws -> EncryptionSetSpecification {
        try EncryptionSetSpecification(
            request.http.decode(EncryptionSetBody.self), rules: rules, vaultSuffix: settings.vaultSuffix)
    }
}
