import CofferModel
import CofferPlatform

/// A principal that a set may act as.
struct SetIdentity: Codable, Equatable, Sendable {
    let objectID: String
    let applicationID: String
    let tenantID: String
    /// The user-assigned identity; nil for the set's own, the system-assigned one.
    var resource: ResourceID?

    init(_ caller: Caller, resource: ResourceID? = nil) {
        objectID = caller.objectID
        applicationID = caller.applicationID
        tenantID = caller.tenantID
        self.resource = resource
    }

    var caller: Caller { Caller(objectID: objectID, applicationID: applicationID, tenantID: tenantID, address: "") }
}

/// Which identities a request wants a set to have.
struct IdentityWish: Sendable {
    let isSystemAssigned: Bool
    let isUserAssigned: Bool
    let userAssigned: [ResourceID]
    /// Those that a PATCH takes away by `null`.
    let removed: [ResourceID]

    /// - Throws: ``APIError`` of the rule `set-identity`, naming what does not fit.
    init(_ body: EncryptionSetBody.Identity, rules: RuleBook) throws {
        let words = (body.type ?? "SystemAssigned").split(separator: ",")
            .map { $0.lowercased().filter { !$0.isWhitespace } }
        let known = ["systemassigned", "userassigned", "none"]
        guard !words.isEmpty, words.allSatisfy(known.contains), !words.contains("none") || words.count == 1 else {
            throw rules.refusal(.setIdentity, ["type": body.type ?? "", "why": "it is no type of identities"])
        }
        isSystemAssigned = words.contains("systemassigned")
        isUserAssigned = words.contains("userassigned")
        var given: [ResourceID] = []
        var removed: [ResourceID] = []
        for (text, value) in (body.userAssignedIdentities ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let id = ResourceID(text), id.isType("Microsoft.ManagedIdentity/userAssignedIdentities") else {
                throw rules.refusal(.setIdentity, ["type": text, "why": "it is not the id of a user-assigned identity"])
            }
            if case .null = value { removed.append(id) } else { given.append(id) }
        }
        guard isUserAssigned || given.isEmpty else {
            throw rules.refusal(.setIdentity, ["type": body.type ?? "", "why": "user-assigned identities are named beside it"])
        }
        userAssigned = given
        self.removed = removed
    }
}

/// The identities of a set: the one that it acts as, and those that would take over.
struct AssignedIdentities: Equatable, Sendable {
    let acting: SetIdentity
    let standby: [SetIdentity]
}

/// Finds the identities that a set is to have.
struct SetIdentities: Sendable {
    let identities: any ManagedIdentities
    let authorizer: any Authorizer
    let rules: RuleBook

    /// - Parameters:
    ///   - old: The set as it is; its acting identity goes on acting as long as it is assigned.
    ///   - isPatch: Whether user-assigned identities that are not named stay.
    /// - Throws: ``APIError`` if an identity is not there or may not be assigned by the caller, or none is left.
    func assigned(
        _ wish: IdentityWish, to id: ResourceID, old: EncryptionSetRecord?, isPatch: Bool, by grant: Grant
    ) async throws -> AssignedIdentities {
        let known = old?.identities ?? []
        let kept = isPatch && wish.isUserAssigned ? known.compactMap(\.resource).filter { !wish.removed.contains($0) } : []
        var found: [SetIdentity] = []
        var gone: [SetIdentity] = []
        for resource in wish.userAssigned + kept.filter({ !wish.userAssigned.contains($0) }) {
            let before = known.first { $0.resource == resource }
            if let now = try await userAssigned(resource, to: id, isNew: before == nil, by: grant) {
                found.append(now)
            } else if let before {
                // A client that changes something else echoes it, and may be about to assign another one.
                gone.append(before)
            } else {
                throw APIError.userAssignedIdentityNotFound(resource)
            }
        }
        guard wish.isSystemAssigned || !found.isEmpty || !gone.isEmpty else { throw rules.refusal(.setIdentityNeeded, ["set": id.name]) }
        // Made last, so that a refusal leaves none behind.
        if wish.isSystemAssigned { found.insert(SetIdentity(try await identities.systemAssigned(for: id)), at: 0) }
        let all = found + gone
        let acting = found.first { $0 == old?.identity } ?? all[0]
        return AssignedIdentities(acting: acting, standby: all.filter { $0 != acting })
    }

    private func userAssigned(_ resource: ResourceID, to id: ResourceID, isNew: Bool, by grant: Grant) async throws -> SetIdentity? {
        if isNew {
            let action = Action.management("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
            guard try await authorizer.allows(grant.caller, action, on: resource) else {
                throw APIError.linkedAuthorizationFailed(grant.caller, action, from: id, grant.action, to: resource)
            }
        }
        return try await identities.userAssigned(resource).map { SetIdentity($0, resource: resource) }
    }
}

extension ManagedIdentities {
    /// The caller that a set acts as.
    ///
    /// - Throws: ``APIError`` with the code `ManagedServiceIdentityNotFound` if its user-assigned identity was deleted, also when another
    ///   was made with its name.
    func caller(of set: EncryptionSetRecord) async throws -> Caller {
        if let resource = set.identity.resource, try await userAssigned(resource)?.objectID != set.identity.objectID {
            throw APIError.managedIdentityGone(resource, set: set.id)
        }
        return set.identity.caller
    }
}
