import CofferModel
import CofferPlatform

/// Finds the identities that a resource is to have, and checks that the caller may assign them.
struct IdentityAssigner: Sendable {
    let identities: any ManagedIdentities
    let authorizer: any Authorizer

    /// User-assigned identities that a resource is to have.
    struct Found: Sendable {
        var present: [AssignedIdentity] = []
        /// Those that it had and that were deleted since: a client that changes something else echoes them.
        var gone: [AssignedIdentity] = []
    }

    /// - Parameters:
    ///   - known: The identities that the resource has.
    ///   - isPatch: Whether user-assigned identities that are not named stay.
    /// - Throws: ``APIError`` if an identity is not there or may not be assigned by the caller.
    func userAssigned(
        _ wish: IdentityWish, to id: ResourceID, known: [AssignedIdentity], isPatch: Bool, by grant: Grant
    ) async throws -> Found {
        let kept = isPatch && wish.isUserAssigned ? known.compactMap(\.resource).filter { !wish.removed.contains($0) } : []
        var found = Found()
        for resource in wish.userAssigned + kept.filter({ !wish.userAssigned.contains($0) }) {
            let before = known.first { $0.resource == resource }
            if let now = try await userAssigned(resource, to: id, isNew: before == nil, by: grant) {
                found.present.append(now)
            } else if let before {
                found.gone.append(before)
            } else {
                throw APIError.userAssignedIdentityNotFound(resource)
            }
        }
        return found
    }

    /// The identity of a resource itself, made if there is none yet.
    func systemAssigned(for id: ResourceID) async throws -> AssignedIdentity {
        AssignedIdentity(try await identities.systemAssigned(for: id))
    }

    private func userAssigned(_ resource: ResourceID, to id: ResourceID, isNew: Bool, by grant: Grant) async throws -> AssignedIdentity? {
        if isNew {
            let action = Action.management("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
            try await authorizer.require(action, on: resource, linkedFrom: id, by: grant)
        }
        return try await identities.userAssigned(resource).map { AssignedIdentity($0, resource: resource) }
    }
}
