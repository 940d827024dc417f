package import CofferCore
import CofferModel
package import CofferPlatform
import FoundationEssentials

/// The directory of service principals.
package struct PrincipalService: Sendable {
    private let store: any Store
    private let clock: any WallClock
    private let bell: EventBell

    package init(store: any Store, clock: any WallClock, bell: EventBell) {
        self.store = store
        self.clock = clock
        self.bell = bell
    }

    package func principal(_ objectID: String) async throws -> PrincipalRecord? {
        try await store.read { try $0.principal(objectID)?.value }
    }

    package func principal(application applicationID: String) async throws -> PrincipalRecord? {
        try await store.read { try $0.principal(application: applicationID) }
    }

    /// All principals, in order of object id.
    package func principals() async throws -> [PrincipalRecord] {
        try await store.read { try $0.values(PrincipalRecord.self, in: PrincipalRecord.collection) }
    }

    /// Enters an application and gives its first secret, which is told this once.
    ///
    /// - Parameter lifetime: How long the secret is valid.
    package func addApplication(
        named displayName: String, lifetime: Duration = .seconds(365 * 86_400)
    ) async throws -> NewApplication {
        let secret = ClientSecretRecord.makeSecret()
        let now = clock.now()
        let principal = PrincipalRecord(
            objectID: GUID.make(), applicationID: GUID.make(), displayName: displayName, kind: .application, resource: nil,
            created: now,
            secrets: [try ClientSecretRecord(of: secret, keyID: GUID.make(), starts: now, ends: now.adding(lifetime))]
        )
        try await store.write { try $0.add(principal) }
        return NewApplication(principal: principal, secret: secret)
    }

    /// Removes a principal and its role assignments. Removing one that is gone is no error.
    package func remove(_ objectID: String) async throws {
        let isRemoved = try await store.write { transaction in
            guard let principal = try transaction.principal(objectID)?.value else { return false }
            try transaction.remove(principal)
            return true
        }
        if isRemoved { bell.ring() }
    }
}

/// An application just entered, with the one copy of its secret.
package struct NewApplication: ~Copyable, Sendable {
    package let principal: PrincipalRecord
    /// The text of the secret.
    package let secret: SecretBytes
}

/// GUIDs in the form in which Coffer writes them.
enum GUID {
    static func make() -> String { UUID().uuidString.lowercased() }

    static func isValid(_ text: String) -> Bool { UUID(uuidString: text) != nil }
}
