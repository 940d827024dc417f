package import CofferModel

/// A namespace of Azure Resource Manager. Answered by each service; asked by CofferResources, which has found the caller
/// and checked the generic permission before it calls.
package protocol ResourceProvider: Sendable {
    /// Such as `Microsoft.KeyVault`.
    var namespace: String { get }
    var types: [ResourceTypeDescription] { get }
    /// What roles can allow in the namespace, as far as it is listed.
    var operations: [ProviderOperation] { get }
    func handle(_ request: ARMRequest) async throws -> APIResponse
    /// All resources of a subscription, or of one of its groups.
    func resources(in subscription: String, group: String?) async throws -> [ResourceSummary]
    /// Deletes one resource as its group is deleted.
    func delete(_ id: ResourceID, by grant: Grant) async throws
}

extension ResourceProvider {
    package var operations: [ProviderOperation] { [] }
}

/// A resource type as `az provider show` lists it.
package struct ResourceTypeDescription: Sendable {
    /// Such as `vaults`.
    package let type: String
    /// The oldest api-version that is accepted; newer ones are accepted all.
    package let since: String

    package init(_ type: String, since: String) {
        self.type = type
        self.since = since
    }
}

/// What every resource has, for lists over all types.
package struct ResourceSummary: Sendable {
    package let id: ResourceID
    package let location: String
    package let tags: [String: String]

    package init(id: ResourceID, location: String, tags: [String: String]) {
        self.id = id
        self.location = location
        self.tags = tags
    }
}

/// A request to Azure Resource Manager whose path, api-version, caller and permission are in order.
package struct ARMRequest: Sendable {
    package let http: APIRequest
    /// The part of the path below `providers/{namespace}`: type, name, child type, ... as sent. A list ends with a type,
    /// an action with a verb.
    package let path: [String]
    package let subscription: String
    package let group: String?
    package let grant: Grant

    package init(http: APIRequest, path: [String], subscription: String, group: String?, grant: Grant) {
        self.http = http
        self.path = path
        self.subscription = subscription
        self.group = group
        self.grant = grant
    }
}
