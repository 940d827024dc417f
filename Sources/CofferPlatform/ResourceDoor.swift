package import CofferModel
import Synchronization

/// Azure Resource Manager as parts of this process use it. Answered by CofferResources.
package protocol ResourceDoor: Sendable {
    /// Runs a request with all that a request from outside goes through after its token was read: permission, locks, validation, audit.
    ///
    /// - Throws: ``APIError`` for a refusal, as for a request from outside.
    func answer(_ request: APIRequest, as caller: Caller) async throws -> APIResponse
    /// What is around a deployment at a subscription or group. Whoever may deploy there may know it.
    ///
    /// - Throws: ``APIError`` if there is no such subscription or group.
    func surroundings(of scope: ResourceID) async throws -> ResourceSurroundings
    /// Takes away what was said of a resource that was deleted otherwise than by a request of its own: its locks, role assignments and
    /// deployments.
    func forget(_ resource: ResourceID) async throws
}

/// What is around a deployment.
package struct ResourceSurroundings: Sendable {
    /// The subscription and the group as they are answered; nil for the group of a subscription's scope.
    package let subscription: JSONValue
    package let group: JSONValue?
    /// The cloud's metadata.
    package let cloud: JSONValue
    /// The resource types that are served, by namespace as it is spelled.
    package let types: [String: [ResourceTypeDescription]]

    package init(subscription: JSONValue, group: JSONValue?, cloud: JSONValue, types: [String: [ResourceTypeDescription]]) {
        self.subscription = subscription
        self.group = group
        self.cloud = cloud
        self.types = types
    }
}

/// Stands for the door of Azure Resource Manager for those whose provider it needs before it can be there itself.
package final class ResourceDoorway: ResourceDoor {
    private let door = Mutex<(any ResourceDoor)?>(nil)

    package init() {}

    /// Leads to `door` from now on.
    package func lead(to door: any ResourceDoor) { self.door.withLock { $0 = door } }

    package func answer(_ request: APIRequest, as caller: Caller) async throws -> APIResponse {
        try await open().answer(request, as: caller)
    }

    package func forget(_ resource: ResourceID) async throws { try await open().forget(resource) }

    package func surroundings(of scope: ResourceID) async throws -> ResourceSurroundings {
        try await open().surroundings(of: scope)
    }

    private func open() throws -> any ResourceDoor {
        guard let door = door.withLock({ $0 }) else {
            throw APIError(status: 503, code: "ServiceUnavailable", message: "Coffer is starting: try again in a moment.")
        }
        return door
    }
}
