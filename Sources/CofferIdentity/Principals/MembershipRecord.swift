import CofferModel
import CofferPlatform

/// The groups that somebody belongs to, kept in the collection `memberships` under the member's object id. Whoever is in no group has none.
///
/// The authorizer reads this one document for each decision, so the groups of the groups are worked out when a membership changes and not
/// when it is asked for.
struct MembershipRecord: Codable, Equatable, Sendable {
    static let collection = "memberships"
    /// One document for each member of each group, `{group}/{member}`, so that one prefix has all members of a group.
    static let members = "group-members"

    /// The groups that name the member, in order.
    var direct: [String]
    /// Those and the groups that these belong to, in order. In a circle of groups each belongs to itself.
    var all: [String]

    static func memberID(_ member: String, in group: String) -> String { "\(group)/\(member)" }
}

/// A member of a group.
struct MemberRecord: Codable, Equatable, Sendable {
    let memberID: String
    let type: PrincipalType
}

extension ReadTransaction {
    /// The groups that the principal belongs to, directly and through other groups.
    func groups(of objectID: String) throws -> [String] {
        try membership(of: objectID)?.all ?? []
    }

    func membership(of objectID: String) throws -> MembershipRecord? {
        guard !objectID.isEmpty else { return nil }
        return try value(MembershipRecord.self, objectID.lowercased(), in: MembershipRecord.collection)?.value
    }

    /// Those whom the group names, in order of their ids.
    func members(of group: String) throws -> [MemberRecord] {
        try values(MemberRecord.self, in: MembershipRecord.members, prefix: group.lowercased() + "/")
    }

    func isMember(_ member: String, of group: String) throws -> Bool {
        try document(MembershipRecord.memberID(member, in: group), in: MembershipRecord.members) != nil
    }

    /// The members of a group and of the groups in it, each once.
    func allMembers(of group: String) throws -> [MemberRecord] {
        var found: [MemberRecord] = []
        var seen: Set<String> = []
        var open = [group]
        while let next = open.popLast() {
            for member in try members(of: next) where seen.insert(member.memberID).inserted {
                found.append(member)
                if member.type == .group { open.append(member.memberID) }
            }
        }
        return found
    }
}

extension WriteTransaction {
    /// Enters a member that the group does not have yet, and tells those who follow keys.
    /// - Throws: ``StoreError/preconditionFailed`` if the group has it.
    func add(_ member: MemberRecord, to group: String) throws {
        try put(member, MembershipRecord.memberID(member.memberID, in: group), in: MembershipRecord.members, if: .absent)
        try changeDirectGroups(of: member) { $0.insert(group) }
        try appendAccessChanges(from: group)
    }

    /// Takes a member out of a group, and tells those who follow keys.
    /// - Returns: whether the group had it.
    @discardableResult
    func remove(_ member: MemberRecord, from group: String) throws -> Bool {
        guard try remove(MembershipRecord.memberID(member.memberID, in: group), in: MembershipRecord.members, if: .any) else { return false }
        // Told for the groups that were reached before.
        try appendAccessChanges(from: group)
        try changeDirectGroups(of: member) { $0.remove(group) }
        return true
    }

    /// Takes somebody who is deleted out of all groups, and everybody out of it if it is a group.
    func removeMemberships(of deleted: MemberRecord) throws {
        if deleted.type == .group {
            for member in try members(of: deleted.memberID) { try remove(member, from: deleted.memberID) }
        }
        for group in try membership(of: deleted.memberID)?.direct ?? [] { try remove(deleted, from: group) }
    }

    private func changeDirectGroups(of member: MemberRecord, _ change: (inout Set<String>) -> Void) throws {
        var direct = Set(try membership(of: member.memberID)?.direct ?? [])
        change(&direct)
        // Who is below the member reaches the group, or no longer does, as the member itself.
        var known = [member.memberID: direct.sorted()]
        let below = member.type == .group ? try allMembers(of: member.memberID).map(\.memberID) : []
        for affected in Set(below + [member.memberID]).sorted() {
            try writeMembership(of: affected, &known)
        }
    }

    /// - Parameter known: The direct groups of those that were read already.
    private func writeMembership(of member: String, _ known: inout [String: [String]]) throws {
        func directGroups(_ id: String) throws -> [String] {
            if let groups = known[id] { return groups }
            let groups = try membership(of: id)?.direct ?? []
            known[id] = groups
            return groups
        }
        let direct = try directGroups(member)
        var all: Set<String> = []
        var open = direct
        while let group = open.popLast() {
            if all.insert(group).inserted { open += try directGroups(group) }
        }
        guard !direct.isEmpty else {
            try remove(member, in: MembershipRecord.collection, if: .any)
            return
        }
        let fresh = MembershipRecord(direct: direct, all: all.sorted())
        if try membership(of: member) != fresh { try put(fresh, member, in: MembershipRecord.collection) }
    }

    /// Permissions change wherever the group, or a group that it belongs to, has a role.
    private func appendAccessChanges(from group: String) throws {
        var scopes: [ResourceID] = []
        for holder in Set(try groups(of: group) + [group]).sorted() {
            for assignment in try roleAssignments(of: holder) where !scopes.contains(assignment.scope) {
                scopes.append(assignment.scope)
            }
        }
        for scope in scopes { try appendAccessChange(at: scope) }
    }
}
