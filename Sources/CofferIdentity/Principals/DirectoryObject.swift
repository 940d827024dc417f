import CofferModel
import CofferPlatform

/// Anything of the directory that groups and role assignments can name.
enum DirectoryObject: Sendable {
    case user(UserRecord)
    case group(GroupRecord)
    case servicePrincipal(PrincipalRecord)

    var objectID: String {
        switch self {
        case .user(let user): user.objectID
        case .group(let group): group.objectID
        case .servicePrincipal(let principal): principal.objectID
        }
    }

    var type: PrincipalType {
        switch self {
        case .user: .user
        case .group: .group
        case .servicePrincipal: .servicePrincipal
        }
    }

    var member: MemberRecord { MemberRecord(memberID: objectID, type: type) }
}

extension ReadTransaction {
    /// The object with this id.
    func directoryObject(_ objectID: String) throws -> DirectoryObject? {
        guard GUID.isValid(objectID) else { return nil }
        if let principal = try principal(objectID)?.value { return .servicePrincipal(principal) }
        if let user = try user(objectID) { return .user(user) }
        return try group(objectID).map { .group($0) }
    }
}

extension WriteTransaction {
    /// Removes what is said of an object that is deleted: its role assignments and its memberships.
    func removeTraces(of member: MemberRecord) throws {
        try removeMemberships(of: member)
        for assignment in try roleAssignments(of: member.memberID) { try remove(assignment) }
    }

    /// Refuses to leave a subscription without an Owner that can sign in, for then nobody could give access again.
    /// - Throws: ``APIError/lastOwner(_:)``.
    func checkOwnerRemains(of subscription: ResourceID) throws {
        guard try roleAssignments().contains(where: { $0.isSignInOwner(of: subscription) }) else {
            throw APIError.lastOwner(subscription)
        }
    }
}

extension RoleAssignmentRecord {
    /// Whether it makes a service principal Owner of all of `subscription`. People and groups do not count: they need not
    /// have a password.
    func isSignInOwner(of subscription: ResourceID) -> Bool {
        roleID == BuiltInRoles.owner.id && scope.contains(subscription) && (principalType ?? .servicePrincipal) == .servicePrincipal
    }
}
