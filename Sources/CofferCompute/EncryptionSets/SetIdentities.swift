import CofferModel
import CofferPlatform

/// The identities of a set: the one that it acts as, and those that would take over.
struct AssignedIdentities: Equatable, Sendable {
    let acting: AssignedIdentity
    let standby: [AssignedIdentity]
}

/// Finds the identities that a set is to have.
struct SetIdentities: Sendable {
    let assigner: IdentityAssigner
    let rules: RuleBook

    /// - Parameters:
    ///   - old: The set as it is; its acting identity goes on acting as long as it is assigned.
    ///   - isPatch: Whether user-assigned identities that are not named stay.
    /// - Throws: ``APIError`` if an identity is not there or may not be assigned by the caller, or none is left.
    func assigned(
        _ wish: IdentityWish, to id: ResourceID, old: EncryptionSetRecord?, isPatch: Bool, by grant: Grant
    ) async throws -> AssignedIdentities {
        var found = try await assigner.userAssigned(wish, to: id, known: old?.identities ?? [], isPatch: isPatch, by: grant)
        guard wish.isSystemAssigned || !found.present.isEmpty || !found.gone.isEmpty else {
            throw rules.refusal(.setIdentityNeeded, ["set": id.name])
        }
        // Made last, so that a refusal leaves none behind.
        if wish.isSystemAssigned { found.present.insert(try await assigner.systemAssigned(for: id), at: 0) }
        let all = found.present + found.gone
        let acting = found.present.first { $0 == old?.identity } ?? all[0]
        return AssignedIdentities(acting: acting, standby: all.filter { $0 != acting })
    }

    /// Reads what a request wants.
    ///
    /// - Throws: ``APIError`` of the rule `set-identity`, naming what does not fit.
    static func wish(_ body: IdentityBody, rules: RuleBook) throws -> IdentityWish {
        try IdentityWish(body) { given, why in rules.refusal(.setIdentity, ["type": given, "why": why]) }
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
