import CofferModel
import CofferPlatform

/// `{scope}/providers/Microsoft.Resources/tags/default`: the tags of any resource or group, by themselves.
struct TagsRoutes {
    let groups: ResourceGroupsService
    let providers: [any ResourceProvider]

    /// The body of a PUT or PATCH.
    private struct Body: Decodable {
        struct Properties: Decodable {
            let tags: [String: String]?
        }

        let operation: String?
        let properties: Properties
    }

    func handle(_ request: APIRequest, scope: ResourceID, grant: Grant) async throws -> APIResponse {
        let target = try await target(scope, request: request, grant: grant)
        switch request.method {
        case .get, .head:
            return try answer(scope, target.tags)
        case .put:
            return try await write(request.decode(Body.self).properties.tags ?? [:], to: target, scope: scope, request: request, grant: grant)
        case .patch:
            let body = try request.decode(Body.self)
            let given = body.properties.tags ?? [:]
            let tags: [String: String]
            switch body.operation?.lowercased() {
            case "merge": tags = target.tags.merging(given) { _, new in new }
            case "replace": tags = given
            case "delete": tags = target.tags.filter { given[$0.key] == nil }
            default: throw APIError.invalidParameter("The operation must be Merge, Replace or Delete.", target: "operation")
            }
            return try await write(tags, to: target, scope: scope, request: request, grant: grant)
        case .delete:
            return try await write([:], to: target, scope: scope, request: request, grant: grant)
        case .post:
            throw APIError.methodNotAllowed("POST", request.uri)
        }
    }

    /// What carries the tags.
    private struct Target {
        let provider: (any ResourceProvider)?
        let tags: [String: String]
    }

    private func target(_ scope: ResourceID, request: APIRequest, grant: Grant) async throws -> Target {
        guard let namespace = scope.namespace else {
            return Target(provider: nil, tags: try await groups.group(scope).tags)
        }
        guard let provider = providers.first(where: { $0.namespace.lowercased() == namespace.lowercased() }) else {
            throw APIError.unknownNamespace(namespace, served: providers.map(\.namespace))
        }
        let summaries = try await provider.resources(in: scope.subscription ?? "", group: scope.group)
        guard let summary = summaries.first(where: { $0.id == scope }) else { throw APIError.resourceNotFound(scope) }
        return Target(provider: provider, tags: summary.tags)
    }

    private func write(
        _ tags: [String: String], to target: Target, scope: ResourceID, request: APIRequest, grant: Grant
    ) async throws -> APIResponse {
        guard let provider = target.provider else {
            return try answer(scope, await groups.setTags(tags, of: scope, by: grant).tags)
        }
        let patch = APIRequest(
            method: .patch, host: request.host, path: scope.text.split(separator: "/").map(String.init),
            query: request.query, headers: request.headers,
            body: try JSON.encode(["tags": try Tags.checked(tags)]), address: request.address, requestID: request.requestID,
            received: request.received
        )
        let path = scope.segments.flatMap { [$0.type, $0.name] }
        _ = try await provider.handle(ARMRequest(
            http: patch, path: path, subscription: scope.subscription ?? "", group: scope.group, grant: grant
        ))
        return try answer(scope, tags)
    }

    private func answer(_ scope: ResourceID, _ tags: [String: String]) throws -> APIResponse {
        try .json([
            "id": .string("\(scope.text)/providers/Microsoft.Resources/tags/default"),
            "name": "default",
            "type": "Microsoft.Resources/tags",
            "properties": ["tags": .object(tags.mapValues { .string($0) })],
        ] as JSONValue)
    }
}
