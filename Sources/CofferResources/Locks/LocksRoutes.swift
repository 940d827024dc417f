import CofferModel
import CofferPlatform

/// `{scope}/providers/Microsoft.Authorization/locks[/{name}]`: locks of a subscription, a group or a resource. Decodes, calls
/// ``LocksService``, encodes.
struct LocksRoutes {
    let service: LocksService
    let groups: ResourceGroupsService
    let providers: [any ResourceProvider]

    /// - Parameters:
    ///   - scope: What is locked.
    ///   - name: Nil for a list.
    func handle(_ request: APIRequest, scope: ResourceID, name: String?, grant: Grant) async throws -> APIResponse {
        guard let name else {
            guard request.method == .get else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
            let isAtScopeOnly = try isAtScopeOnly(request.parameter("$filter"))
            let locks = try await service.list(at: scope, isAtScopeOnly: isAtScopeOnly)
            return try .json(["value": .array(locks.map(\.document))] as JSONValue)
        }
        switch request.method {
        case .get, .head:
            return try .json(await service.get(name, at: scope).document)
        case .put:
            try await checkExists(scope)
            let (lock, isNew) = try await service.put(name, at: scope, request.decode(LockBody.self), by: grant)
            return try .json(lock.document, status: isNew ? 201 : 200)
        case .delete:
            return try await service.delete(name, at: scope, by: grant) ? APIResponse(status: 200) : .noContent
        case .post, .patch:
            throw APIError.methodNotAllowed(request.method.rawValue, request.uri)
        }
    }

    private func isAtScopeOnly(_ filter: String?) throws -> Bool {
        guard let filter, !filter.isEmpty else { return false }
        guard filter.lowercased().filter({ !$0.isWhitespace }) == "atscope()" else {
            throw APIError(
                status: 400, code: "InvalidFilterInQueryString",
                message: "The $filter '\(filter.prefix(200))' is not supported: locks know atScope()."
            )
        }
        return true
    }

    /// A lock on something that is not there would lie in wait for the next one of its name. Of a child object its parent is
    /// looked for, because the resource manager has no list of children.
    private func checkExists(_ scope: ResourceID) async throws {
        guard let subscription = scope.subscription else { throw APIError.lockScopeNotSupported(scope) }
        guard let namespace = scope.namespace else {
            if scope.group != nil { _ = try await groups.group(scope) }
            return
        }
        // A document's id has room for the longest name below a scope of this length.
        guard let group = scope.group, scope.extendedScope == nil, let first = scope.segments.first, scope.text.utf8.count <= 900 else {
            throw APIError.lockScopeNotSupported(scope)
        }
        _ = try await groups.group(ResourceID(subscription: subscription, group: group))
        guard let provider = providers.first(where: { $0.namespace.lowercased() == namespace.lowercased() }) else {
            throw APIError.unknownNamespace(namespace, served: providers.map(\.namespace))
        }
        let resource = ResourceID(
            subscription: subscription, group: group, namespace: namespace, type: first.type, name: first.name
        )
        guard try await provider.resources(in: subscription, group: group).contains(where: { $0.id == resource }) else {
            throw APIError.resourceNotFound(resource)
        }
    }
}
