package import CofferCore
import CofferModel
package import CofferPlatform
import FoundationEssentials

/// The directory's service principals, and what users, groups and service principals have in common.
package struct PrincipalService: SecretKeeper, Sendable {
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

    package func principal(_ objectID: String) async throws -> PrincipalRecord? {
        try await store.read { try $0.principal(objectID)?.value }
    }

    package func principal(application applicationID: String) async throws -> PrincipalRecord? {
        try await store.read { try $0.principal(application: applicationID) }
    }

    func list(_ page: DirectoryPageRequest) async throws -> DirectoryPage {
        let tenantID = settings.tenantID
        return try await store.read {
            try $0.directoryPage(PrincipalRecord.self, in: PrincipalRecord.collection, page) { $0.graphJSON(tenantID: tenantID) }
        }
    }

    /// The users, groups and service principals with these ids, in order of the ids given.
    func objects(_ ids: [String]) async throws -> [DirectoryObject] {
        try await store.read { transaction in try ids.compactMap { try transaction.directoryObject($0) } }
    }

    /// The object with this id or user principal name.
    /// - Throws: ``APIError/directoryObjectNotFound(_:)``.
    func object(_ id: String) async throws -> DirectoryObject {
        let found = try await store.read { transaction -> DirectoryObject? in
            if id.contains("@") { return try transaction.user(id).map { DirectoryObject.user($0) } }
            return try transaction.directoryObject(id)
        }
        guard let found else { throw APIError.directoryObjectNotFound(id) }
        return found
    }

    /// The ids of the groups that the object belongs to, directly or also through groups.
    func groups(of objectID: String, isDirectOnly: Bool = false) async throws -> [String] {
        try await store.read { transaction in
            let membership = try transaction.membership(of: objectID)
            return (isDirectOnly ? membership?.direct : membership?.all) ?? []
        }
    }

    /// Makes the service principal of a registered application, with which it can sign in.
    ///
    /// - Throws: ``APIError``: no such application, or it has its service principal.
    func add(application applicationID: String, isEnabled: Bool, by grant: Grant) async throws -> PrincipalRecord {
        let objectID = GUID.make()
        let now = clock.now()
        return try await store.write { transaction in
            guard let application = try transaction.application(withApplicationID: applicationID) else {
                throw APIError.noApplicationForPrincipal(applicationID)
            }
            guard try transaction.principal(application: application.applicationID) == nil else {
                throw APIError.servicePrincipalExists(application.applicationID)
            }
            var principal = PrincipalRecord(
                objectID: objectID, applicationID: application.applicationID, displayName: application.displayName, kind: .application,
                resource: nil, created: now, identifierURIs: application.identifierURIs
            )
            principal.isEnabled = isEnabled
            try transaction.add(principal)
            return principal
        }
    }

    /// Enables or disables a service principal. Tokens of one that is disabled are refused at once.
    /// - Throws: ``APIError``: it is not there, or it is the caller itself.
    func setEnabled(_ isEnabled: Bool, _ objectID: String, by grant: Grant) async throws {
        guard isEnabled || grant.caller.objectID != objectID.lowercased() else {
            throw APIError.badDirectoryRequest("The service principal that asks cannot disable itself.", "accountEnabled")
        }
        try await change(objectID) { $0.isEnabled = isEnabled }
    }

    /// Gives a secret of its own to a service principal.
    func add(_ secret: ClientSecretRecord, to objectID: String, by grant: Grant) async throws {
        try await change(objectID) { try $0.secrets.add(secret) }
    }

    func removeSecret(_ keyID: String, of objectID: String, by grant: Grant) async throws {
        try await change(objectID) { try $0.secrets.remove(keyID: keyID) }
    }

    /// Removes a service principal with its role assignments and memberships. The application's registration stays.
    /// - Throws: ``APIError``: it is not there, is a managed identity, or is the last Owner.
    func remove(_ objectID: String, by grant: Grant) async throws {
        let subscription = ResourceID(subscription: settings.subscriptionID)
        try await store.write { transaction in
            guard let principal = try transaction.principal(objectID)?.value else { throw APIError.directoryObjectNotFound(objectID) }
            guard principal.kind == .application else { throw APIError.managedIdentityNotEditable(principal.displayName) }
            try transaction.removeUnlessLastOwner(principal, of: subscription)
        }
        bell.ring()
    }

    private func change(_ objectID: String, _ change: @escaping @Sendable (inout PrincipalRecord) throws -> Void) async throws {
        try await store.write { transaction in
            guard var principal = try transaction.principal(objectID)?.value else { throw APIError.directoryObjectNotFound(objectID) }
            guard principal.kind == .application else { throw APIError.managedIdentityNotEditable(principal.displayName) }
            try change(&principal)
            try transaction.put(principal, principal.objectID, in: PrincipalRecord.collection)
        }
    }
}

extension WriteTransaction {
    /// - Throws: ``APIError/ownerNotRemovable()``.
    func removeUnlessLastOwner(_ principal: PrincipalRecord, of subscription: ResourceID) throws {
        let wasOwner = try roleAssignments(of: principal.objectID).contains { $0.isSignInOwner(of: subscription) }
        try remove(principal)
        guard wasOwner else { return }
        do {
            try checkOwnerRemains(of: subscription)
        } catch is APIError {
            throw APIError.ownerNotRemovable()
        }
    }
}

/// GUIDs in the form in which Coffer writes them.
enum GUID {
    static func make() -> String { UUID().uuidString.lowercased() }

    static func isValid(_ text: String) -> Bool { UUID(uuidString: text) != nil }
}
