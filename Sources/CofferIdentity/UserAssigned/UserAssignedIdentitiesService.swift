package import CofferCore
import CofferModel
package import CofferPlatform

/// What can be done with user-assigned identities: service principals that are resources of their own, so that they can be given
/// permissions before what uses them is made, and shared.
package struct UserAssignedIdentitiesService: Sendable {
    private let store: any Store
    private let clock: any WallClock
    private let bell: EventBell

    package init(store: any Store, clock: any WallClock, bell: EventBell) {
        self.store = store
        self.clock = clock
        self.bell = bell
    }

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func identity(_ id: ResourceID, by grant: Grant) async throws -> UserAssignedIdentityRecord {
        guard let found = try await store.read({ try $0.userAssignedIdentity(id) }) else { throw APIError.resourceNotFound(id) }
        return found
    }

    /// All identities below a subscription or group.
    func identities(in scope: ResourceID) async throws -> [UserAssignedIdentityRecord] {
        try await store.read {
            try $0.values(UserAssignedIdentityRecord.self, in: UserAssignedIdentityRecord.collection, prefix: scope.key + "/")
        }
    }

    /// Makes an identity with its service principal, or replaces the tags of one that is there.
    ///
    /// - Returns: The identity, and whether it is new.
    /// - Throws: ``APIError`` for a name or a location that does not fit.
    func put(
        _ id: ResourceID, location: String?, tags: [String: String], by grant: Grant
    ) async throws -> (UserAssignedIdentityRecord, isNew: Bool) {
        guard let location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        let fresh = UserAssignedIdentityRecord(
            id: id, location: location, tags: tags, objectID: GUID.make(), applicationID: GUID.make())
        let now = clock.now()
        return try await store.write { transaction in
            if var old = try transaction.userAssignedIdentity(id) {
                guard old.location == location else { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
                old.tags = tags
                try transaction.put(old)
                return (old, false)
            }
            try UserAssignedIdentityName.check(id.name)
            try transaction.add(
                PrincipalRecord(
                    objectID: fresh.objectID, applicationID: fresh.applicationID, displayName: id.name, kind: .managedIdentity, resource: id,
                    created: now))
            try transaction.put(fresh)
            return (fresh, true)
        }
    }

    /// Replaces an identity's tags, if any are given.
    func patch(_ id: ResourceID, tags: [String: String]?, by grant: Grant) async throws -> UserAssignedIdentityRecord {
        try await store.write { transaction in
            guard var identity = try transaction.userAssignedIdentity(id) else { throw APIError.resourceNotFound(id) }
            identity.tags = tags ?? identity.tags
            try transaction.put(identity)
            return identity
        }
    }

    /// Removes an identity with its service principal and that one's role assignments. Whatever acts as it loses its access at once.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        let isRemoved = try await store.write { transaction in
            guard try transaction.remove(id.key, in: UserAssignedIdentityRecord.collection, if: .any) else { return false }
            if let principal = try transaction.principal(of: id) { try transaction.remove(principal) }
            // Access policies name principals as well, in any vault.
            if let root = ResourceID("/") {
                _ = try transaction.append(
                    JSON.encode(KeyChange(kind: .access, scope: root, key: nil, version: nil)), to: KeyChange.stream)
            }
            return true
        }
        if isRemoved { bell.ring() }
        return isRemoved
    }
}

/// The names that a user-assigned identity can have.
enum UserAssignedIdentityName {
    /// - Throws: ``APIError`` unless it is 3 to 128 letters, digits, `-` and `_`, beginning with a letter or digit.
    static func check(_ name: String) throws {
        let bytes = Array(name.utf8)
        func isWord(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: false
            }
        }
        guard (3...128).contains(bytes.count), isWord(bytes[0]),
            bytes.allSatisfy({ isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") })
        else { throw APIError.identityNameNotValid(name) }
    }
}
