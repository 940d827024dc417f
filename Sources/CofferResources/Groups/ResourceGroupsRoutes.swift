import CofferModel
import CofferPlatform

/// The paths of resource groups and of the lists of what is in them.
struct ResourceGroupsRoutes {
    let service: ResourceGroupsService
    let providers: [any ResourceProvider]
    let authorizer: any Authorizer
    let locks: LocksService

    private static let namespace = "Microsoft.Resources/subscriptions/resourceGroups"

    /// `/subscriptions/S/resourcegroups[/G[/resources]]`; `rest` is what follows `resourcegroups`.
    func handle(_ request: APIRequest, subscription: ResourceID, rest: [String], caller: Caller) async throws -> APIResponse {
        guard let name = rest.first else {
            _ = try await authorizer.grant(.management("\(Self.namespace)/read"), to: caller, on: subscription)
            return try .json(["value": .array(try await service.groups(of: subscription).map(\.document))] as JSONValue)
        }
        let id = ResourceID(subscription: subscription.name, group: name)
        if rest.count == 2, rest[1].lowercased() == "resources", request.method == .get {
            _ = try await authorizer.grant(.management("\(Self.namespace)/read"), to: caller, on: id)
            _ = try await service.group(id)
            return try await resources(request, in: id)
        }
        guard rest.count == 1 else { throw APIError.pathNotFound(request.path) }
        let verb = switch request.method {
        case .get, .head: "read"
        case .delete: "delete"
        default: "write"
        }
        let grant = try await authorizer.grant(.management("\(Self.namespace)/\(verb)"), to: caller, on: id)
        try await locks.check(grant.action, on: id)
        switch request.method {
        case .get:
            return try .json(await service.group(id).document)
        case .head:
            _ = try await service.group(id)
            return .noContent
        case .put:
            let (record, isNew) = try await service.put(id, request.decode(ResourceGroupBody.self), by: grant)
            return try .json(record.document, status: isNew ? 201 : 200)
        case .patch:
            let record = try await service.setTags(request.decode(ResourceGroupBody.self).tags ?? [:], of: id, by: grant)
            return try .json(record.document)
        case .delete:
            try await service.delete(id, by: grant)
            return APIResponse(status: 200)
        case .post:
            throw APIError.methodNotAllowed("POST", request.uri)
        }
    }

    /// All resources of a subscription or group, of all providers, narrowed by `$filter`.
    func resources(_ request: APIRequest, in scope: ResourceID) async throws -> APIResponse {
        let filter = try ResourceFilter(request.parameter("$filter"))
        var all: [ResourceSummary] = []
        for provider in providers {
            all += try await provider.resources(in: scope.subscription ?? "", group: scope.group).filter(filter.matches)
        }
        all.sort { $0.id.key < $1.id.key }
        return try .json(["value": .array(all.map(\.document))] as JSONValue)
    }
}

extension ResourceSummary {
    fileprivate var document: JSONValue {
        [
            "id": .string(id.text),
            "name": .string(id.name),
            "type": .string(id.resourceType ?? ""),
            "location": .string(location),
            "tags": .object(tags.mapValues { .string($0) }),
        ]
    }
}
