package import CofferModel
package import CofferPlatform

/// The namespace `Microsoft.Network` of Azure Resource Manager.
package struct NetworkProvider: ResourceProvider {
    package let namespace = "Microsoft.Network"
    package let types: [ResourceTypeDescription]

    let service: NetworkService
    /// In the order in which a group's resources can be deleted.
    let networkTypes: [any NetworkType]

    init(service: NetworkService, types networkTypes: [any NetworkType]) {
        self.service = service
        self.networkTypes = networkTypes
        types = networkTypes.map { ResourceTypeDescription($0.name, since: "2015-05-01-preview") }
    }

    /// - Throws: ``APIError``.
    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = request.path.filter { !$0.isEmpty }
        guard let word = path.first, let type = type(named: word) else { throw APIError.networkTypeNotServed(path, served: served) }
        return try await NetworkRoutes(service: service, type: type, served: served).handle(request, path: Array(path.dropFirst()))
    }

    /// All resources, those that use others before those.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        let records = try await service.records(in: ResourceID(subscription: subscription, group: group))
        return networkTypes.flatMap { type in
            records.filter { $0.id.isType("\(namespace)/\(type.name)") }
                .map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        }
    }

    /// Deletes a resource that is not in use.
    package func delete(_ id: ResourceID, by grant: Grant) async throws {
        guard id.segments.count == 1, let type = type(named: id.segments[0].type) else {
            throw APIError.networkTypeNotServed(id.segments.flatMap { [$0.type, $0.name] }, served: served)
        }
        _ = try await service.delete(id, of: type, by: grant)
    }

    private var served: [String] {
        networkTypes.flatMap { type in [type.name] + type.shape.children.map { "\(type.name)/\($0.type)" } }
    }

    private func type(named name: String) -> (any NetworkType)? {
        networkTypes.first { $0.name.lowercased() == name.lowercased() }
    }
}
