package import CofferCore
import CofferModel
package import CofferPlatform

/// Makes groups and decides who belongs to them. A change is told to those who follow keys, because it may make a key usable or unusable.
package struct GroupService: Sendable {
    /// What a client says of a group; nil where it says nothing.
    struct Draft: Sendable {
        var displayName: String?
        var mailNickname: String?
        var description: String?
    }

    private let store: any Store
    private let clock: any WallClock
    private let bell: EventBell

    package init(store: any Store, clock: any WallClock, bell: EventBell) {
        self.store = store
        self.clock = clock
        self.bell = bell
    }

    func list(_ page: DirectoryPageRequest) async throws -> DirectoryPage {
        try await store.read { try $0.directoryPage(GroupRecord.self, in: GroupRecord.collection, page) { $0.graphJSON } }
    }

    /// - Throws: ``APIError/directoryObjectNotFound(_:)``.
    func get(_ objectID: String) async throws -> GroupRecord {
        guard let group = try await store.read({ try $0.group(objectID) }) else { throw APIError.directoryObjectNotFound(objectID) }
        return group
    }

    /// Makes a group. Names need not be unique.
    func add(_ draft: Draft, by grant: Grant) async throws -> GroupRecord {
        let group = GroupRecord(
            objectID: GUID.make(), displayName: try DirectoryName.display(draft.displayName),
            mailNickname: try DirectoryName.mailNickname(draft.mailNickname), description: try Self.description(draft.description),
            created: clock.now()
        )
        try await store.write { try $0.put(group, group.objectID, in: GroupRecord.collection, if: .absent) }
        return group
    }

    func update(_ objectID: String, _ draft: Draft, by grant: Grant) async throws {
        let displayName = try draft.displayName.map { try DirectoryName.display($0) }
        let mailNickname = try draft.mailNickname.map { try DirectoryName.mailNickname($0) }
        let description = try Self.description(draft.description)
        try await store.write { transaction in
            guard var group = try transaction.group(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            group.displayName = displayName ?? group.displayName
            group.mailNickname = mailNickname ?? group.mailNickname
            group.description = description ?? group.description
            try transaction.put(group, group.objectID, in: GroupRecord.collection)
        }
    }

    /// Removes a group with its role assignments. Its members stay.
    func remove(_ objectID: String, by grant: Grant) async throws {
        try await store.write { transaction in
            guard let group = try transaction.group(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            try transaction.removeTraces(of: MemberRecord(memberID: group.objectID, type: .group))
            try transaction.remove(group.objectID, in: GroupRecord.collection, if: .any)
        }
        bell.ring()
    }

    /// The members that the group names, or also those of the groups in it.
    func members(of objectID: String, isTransitive: Bool = false) async throws -> [DirectoryObject] {
        try await store.read { transaction in
            guard let group = try transaction.group(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            let members = isTransitive ? try transaction.allMembers(of: group.objectID) : try transaction.members(of: group.objectID)
            return try members.compactMap { try transaction.directoryObject($0.memberID) }
        }
    }

    /// Takes a user, a service principal, a managed identity or another group into a group.
    /// - Throws: ``APIError``: one of them is not there, or the group has the member.
    func addMember(_ memberID: String, to objectID: String, by grant: Grant) async throws {
        try await store.write { transaction in
            guard let group = try transaction.group(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            guard let member = try transaction.directoryObject(memberID) else { throw APIError.directoryObjectNotFound(memberID) }
            guard try !transaction.isMember(member.objectID, of: group.objectID) else { throw APIError.memberExists() }
            try transaction.add(member.member, to: group.objectID)
        }
        bell.ring()
    }

    /// - Throws: ``APIError/directoryObjectNotFound(_:)`` if the group is not there or does not have the member.
    func removeMember(_ memberID: String, from objectID: String, by grant: Grant) async throws {
        try await store.write { transaction in
            guard let group = try transaction.group(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            guard let member = try transaction.directoryObject(memberID), try transaction.remove(member.member, from: group.objectID) else {
                throw APIError.directoryObjectNotFound(memberID)
            }
        }
        bell.ring()
    }

    private static func description(_ text: String?) throws(APIError) -> String? {
        guard (text ?? "").count <= 1024 else {
            throw .badDirectoryRequest("The description of a group has 1024 characters at most.", "description")
        }
        return text
    }
}
