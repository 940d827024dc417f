import CofferModel
import CofferPlatform
import Foundation
import Synchronization

/// Managed identities, one for each resource that has one.
final class ManagedIdentitiesDouble: ManagedIdentities {
    private let made = Mutex<[ResourceID: Caller]>([:])

    var resources: Set<ResourceID> { made.withLock { Set($0.keys) } }

    func systemAssigned(for resource: ResourceID) async throws -> Caller {
        made.withLock { made in
            if let found = made[resource] { return found }
            let caller = Caller(
                objectID: UUID().uuidString.lowercased(), applicationID: UUID().uuidString.lowercased(), tenantID: World.tenant, address: "")
            made[resource] = caller
            return caller
        }
    }

    func add(_ identity: ResourceID) {
        let caller = Caller(
            objectID: UUID().uuidString.lowercased(), applicationID: UUID().uuidString.lowercased(), tenantID: World.tenant, address: "")
        made.withLock { $0[identity] = caller }
    }

    func remove(_ identity: ResourceID) { made.withLock { $0[identity] = nil } }

    func removeSystemAssigned(of resource: ResourceID) async throws {
        made.withLock { $0[resource] = nil }
    }

    func userAssigned(_ identity: ResourceID) async throws -> Caller? {
        made.withLock { $0[identity] }
    }
}

/// Takes the token `operator` for a caller's; others are refused.
struct AuthenticatorDouble: Authenticator {
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        guard let token = request.bearerToken else { throw TokenRefusal.missing }
        guard token == "operator" else { throw TokenRefusal.badSignature }
        return World.caller
    }
}

/// Allows everything but what is listed.
final class AuthorizerDouble: Authorizer {
    private let denied = Mutex<Set<String>>([])

    func deny(_ action: String) { denied.withLock { _ = $0.insert(action) } }

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        !denied.withLock { $0.contains(action.name) }
    }
}
