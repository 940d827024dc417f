package import CofferCore
package import CofferModel
package import CofferPlatform

/// Azure Resource Manager: finds the caller, the provider and the permission of each request, and answers itself for
/// subscriptions, groups, providers, tags, locks and the cloud's metadata. What a lock forbids is refused here, before any
/// provider is asked.
package struct ARMHandler: APIHandler, ResourceDoor {
    let settings: ResourcesSettings
    let providers: [any ResourceProvider]
    private let authenticator: any Authenticator
    private let authorizer: any Authorizer
    let groups: ResourceGroupsService
    private let locks: LocksService
    private let images: any PlatformImages
    private let onDeleted: @Sendable (ResourceID) async throws -> Void

    /// - Parameter onDeleted: Called after a resource or group was deleted, to forget what was said of it elsewhere: its role
    ///   assignments.
    package init(
        settings: ResourcesSettings, store: any Store, images: any PlatformImages, providers: [any ResourceProvider], authenticator: any Authenticator,
        authorizer: any Authorizer, clock: any WallClock, onDeleted: @escaping @Sendable (ResourceID) async throws -> Void = { _ in }
    ) {
        self.onDeleted = onDeleted
        self.images = images
        self.settings = settings
        self.providers = providers
        self.authenticator = authenticator
        self.authorizer = authorizer
        groups = ResourceGroupsService(store: store, providers: providers)
        locks = LocksService(store: store, clock: clock)
    }

    package func handle(_ request: APIRequest) async throws -> APIResponse {
        // Clients double slashes and end paths with one (az-client section 4).
        let parts = request.path.filter { !$0.isEmpty }
        if parts.map({ $0.lowercased() }) == ["metadata", "endpoints"] {
            return try .json(MetadataDocument.document(for: settings, apiVersion: request.parameter("api-version") ?? ""))
        }
        if parts.map({ $0.lowercased() }) == [ImageAliases.documentName] {
            return try .json(ImageAliases.document(of: try await images.images()))
        }
        try Self.checkCharacters(of: parts)
        let caller: Caller
        do {
            caller = try await authenticator.caller(of: request, audiences: settings.audiences)
        } catch let refusal as TokenRefusal {
            throw APIError.authenticationFailed(refusal, authority: settings.authority, tenant: settings.tenantID)
        }
        return try await answer(request, as: caller)
    }

    /// Answers a request whose caller is known.
    package func answer(_ request: APIRequest, as caller: Caller) async throws -> APIResponse {
        let parts = request.path.filter { !$0.isEmpty }
        try Self.checkCharacters(of: parts)
        do {
            return try await route(request, parts: parts.withDeploymentsProvider, caller: caller)
        } catch let forbidden as Forbidden {
            throw APIError.authorizationFailed(forbidden)
        }
    }

    private static func checkCharacters(of parts: [String]) throws {
        guard parts.allSatisfy({ part in part.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f } }) else { throw APIError.controlCharactersInPath }
    }

    private func route(_ request: APIRequest, parts: [String], caller: Caller) async throws -> APIResponse {
        let documents = SubscriptionDocuments(settings: settings)
        if request.method == .get, parts.count == 3, parts[0].lowercased() == "providers", parts[2].lowercased() == "operations" {
            try APIVersion.check(request.parameter("api-version"), floor: "2014-04-01", type: "\(parts[1])/operations")
            return try ProviderDocuments(settings: settings, providers: providers).operations(of: parts[1])
        }
        if let path = ProviderPath(parts, method: request.method) {
            return try await provide(request, path: path, caller: caller)
        }
        try APIVersion.check(request.parameter("api-version"), floor: "2014-04-01", type: "Microsoft.Resources")
        switch parts.first?.lowercased() {
        case "tenants" where parts.count == 1 && request.method == .get:
            return try .json(["value": [documents.tenant]] as JSONValue)
        case "subscriptions" where parts.count == 1 && request.method == .get:
            return try .json(["value": [documents.subscription], "count": ["type": "Total", "value": 1]] as JSONValue)
        case "subscriptions" where parts.count > 1:
            return try await inSubscription(request, parts: parts, caller: caller, documents: documents)
        case "providers" where parts.count <= 2 && request.method == .get:
            return try providerDocument(named: parts.count == 2 ? parts[1] : nil)
        default:
            throw APIError.pathNotFound(parts)
        }
    }

    private func inSubscription(
        _ request: APIRequest, parts: [String], caller: Caller, documents: SubscriptionDocuments
    ) async throws -> APIResponse {
        let subscription = try subscription(parts[1])
        let rest = Array(parts.dropFirst(2))
        let groupsRoutes = ResourceGroupsRoutes(service: groups, providers: providers, authorizer: authorizer, locks: locks)
        switch (rest.first?.lowercased(), request.method) {
        case (nil, .get):
            _ = try await authorizer.grant(.management("Microsoft.Resources/subscriptions/read"), to: caller, on: subscription)
            return try .json(documents.subscription)
        case ("locations", .get) where rest.count == 1:
            return try .json(documents.locations)
        case ("resourcegroups", _):
            let answer = try await groupsRoutes.handle(
                request, subscription: subscription, rest: Array(rest.dropFirst()), caller: caller
            )
            if request.method == .delete, rest.count == 2 {
                try await forget(ResourceID(subscription: subscription.name, group: rest[1]))
            }
            return answer
        case ("resources", .get) where rest.count == 1:
            _ = try await authorizer.grant(.management("Microsoft.Resources/subscriptions/resources/read"), to: caller, on: subscription)
            return try await groupsRoutes.resources(request, in: subscription)
        case ("providers", .get) where rest.count <= 2:
            return try providerDocument(named: rest.count == 2 ? rest[1] : nil)
        default:
            throw APIError.pathNotFound(parts)
        }
    }

    private func providerDocument(named namespace: String?) throws -> APIResponse {
        let documents = ProviderDocuments(settings: settings, providers: providers)
        return try .json(namespace.map { try documents.document(for: $0) } ?? documents.all)
    }

    private func provide(_ request: APIRequest, path: ProviderPath, caller: Caller) async throws -> APIResponse {
        guard let scope = path.scope else { throw APIError.pathNotFound(request.path) }
        if let id = scope.subscription { _ = try subscription(id) }
        let isRegistration = path.path.count == 1 && request.method == .post
            && ["register", "unregister"].contains(path.path[0].lowercased())
        if isRegistration {
            let grant = try await authorizer.grant(path.action, to: caller, on: scope)
            try await locks.check(grant.action, on: scope)
            return try providerDocument(named: path.namespace)
        }
        if path.namespace.lowercased() == "microsoft.resources", path.path.map({ $0.lowercased() }) == ["tags", "default"] {
            try APIVersion.check(request.parameter("api-version"), floor: "2019-10-01", type: "Microsoft.Resources/tags")
            guard let tagged = scope.extendedScope ?? scope.parent else { throw APIError.pathNotFound(request.path) }
            let grant = try await authorizer.grant(path.action, to: caller, on: tagged)
            // Taking tags away changes what carries them and deletes nothing.
            let change = request.method == .delete ? Action.management("Microsoft.Resources/tags/write") : grant.action
            try await locks.check(change, on: tagged)
            return try await TagsRoutes(groups: groups, providers: providers).handle(request, scope: tagged, grant: grant)
        }
        guard let provider = providers.first(where: { $0.namespace.lowercased() == path.namespace.lowercased() }) else {
            throw APIError.unknownNamespace(path.namespace, served: providers.map(\.namespace))
        }
        try APIVersion.check(
            request.parameter("api-version"), floor: try floor(of: path.type, in: provider), type: "\(provider.namespace)/\(path.type)"
        )
        let grant = try await authorizer.grant(path.action, to: caller, on: scope)
        if path.namespace.lowercased() == "microsoft.authorization", path.path.first?.lowercased() == "locks" {
            return try await lock(request, path: path, grant: grant)
        }
        if let group = scope.group, let id = scope.subscription {
            _ = try await groups.group(ResourceID(subscription: id, group: group))
        }
        try await locks.check(grant.action, on: scope)
        let answer = try await provider.handle(ARMRequest(
            http: request, path: path.path, subscription: scope.subscription ?? settings.subscriptionID, group: scope.group, grant: grant
        ))
        // Of an extension resource (a lock, an assignment) nothing is said elsewhere.
        if request.method == .delete, scope.extendedScope == nil { try await forget(scope) }
        return answer
    }

    /// Locks are put on everything that Azure Resource Manager knows, so it keeps them, though their namespace is that of
    /// roles. A lock does not hinder its own removal.
    private func lock(_ request: APIRequest, path: ProviderPath, grant: Grant) async throws -> APIResponse {
        guard let locked = ResourceID("/" + path.scopePath.joined(separator: "/")), path.path.count <= 2 else {
            throw APIError.pathNotFound(request.path)
        }
        return try await LocksRoutes(service: locks, groups: groups, providers: providers)
            .handle(request, scope: locked, name: path.path.count == 2 ? path.path[1] : nil, grant: grant)
    }

    /// Takes away what was said of a deleted resource or group: its locks, role assignments and deployments.
    package func forget(_ id: ResourceID) async throws {
        try await locks.removeAll(below: id)
        try await onDeleted(id)
    }

    /// The oldest api-version of a type. A child type that is not listed has its parent's.
    private func floor(of type: String, in provider: any ResourceProvider) throws -> String {
        var words = type.lowercased().split(separator: "/")
        while !words.isEmpty {
            let name = words.joined(separator: "/")
            if let found = provider.types.first(where: { $0.type.lowercased() == name }) { return found.since }
            words.removeLast()
        }
        throw APIError.unknownType(type, in: provider)
    }

    private func subscription(_ id: String) throws -> ResourceID {
        guard id.lowercased() == settings.subscriptionID.lowercased() else { throw APIError.subscriptionNotFound(id) }
        return ResourceID(subscription: settings.subscriptionID)
    }
}
