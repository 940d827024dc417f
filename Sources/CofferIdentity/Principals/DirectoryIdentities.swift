package import CofferCore
package import CofferModel
package import CofferPlatform

/// Identities of resources, one system-assigned per resource at most, and those that are resources themselves.
package struct DirectoryIdentities: ManagedIdentities {
    private let store: any Store
    private let clock: any WallClock
    private let bell: EventBell
    private let settings: IdentitySettings

    package init(store: any Store, clock: any WallClock, bell: EventBell, settings: IdentitySettings) {
        self.store = store
        self.clock = clock
        self.bell = bell
        self.settings = settings
    }

    package func systemAssigned(for resource: ResourceID) async throws -> Caller {
        let now = clock.now()
        // The same values if the database runs the body again.
        let fresh = PrincipalRecord(
            objectID: GUID.make(), applicationID: GUID.make(), displayName: resource.name, kind: .managedIdentity,
            resource: resource, created: now
        )
        if let known = try await store.read({ try $0.principal(of: resource) }) { return caller(known) }
        let principal = try await store.write { transaction in
            if let known = try transaction.principal(of: resource) { return known }
            try transaction.add(fresh)
            return fresh
        }
        return caller(principal)
    }

    package func removeSystemAssigned(of resource: ResourceID) async throws {
        let isRemoved = try await store.write { transaction in
            guard let principal = try transaction.principal(of: resource) else { return false }
            try transaction.remove(principal)
            return true
        }
        if isRemoved { bell.ring() }
    }

    package func userAssigned(_ identity: ResourceID) async throws -> Caller? {
        try await store.read { transaction -> PrincipalRecord? in
            guard let known = try transaction.userAssignedIdentity(identity) else { return nil }
            return try transaction.principal(known.objectID)?.value
        }.map(caller)
    }

    private func caller(_ principal: PrincipalRecord) -> Caller {
        Caller(
            objectID: principal.objectID, applicationID: principal.applicationID, tenantID: settings.tenantID, address: ""
        )
    }
}
