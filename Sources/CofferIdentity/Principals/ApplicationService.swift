package import CofferCore
import CofferModel
package import CofferPlatform

/// Registers applications. One signs in with its secrets once it has a service principal.
package struct ApplicationService: SecretKeeper, Sendable {
    /// What a client says of an application; nil where it says nothing.
    struct Draft: Sendable {
        var displayName: String?
        var identifierURIs: [String]?
    }

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

    func list(_ page: DirectoryPageRequest) async throws -> DirectoryPage {
        let tenantID = settings.tenantID
        return try await store.read {
            try $0.directoryPage(ApplicationRecord.self, in: ApplicationRecord.collection, page) { $0.graphJSON(tenantID: tenantID) }
        }
    }

    /// - Throws: ``APIError/directoryObjectNotFound(_:)``.
    func get(_ objectID: String) async throws -> ApplicationRecord {
        guard let found = try await store.read({ try $0.application(objectID) }) else { throw APIError.directoryObjectNotFound(objectID) }
        return found
    }

    /// - Throws: ``APIError``: no name, or an identifier URI that is not one or is taken.
    func add(_ draft: Draft, by grant: Grant) async throws -> ApplicationRecord {
        let name = try DirectoryName.display(draft.displayName)
        let uris = try Self.checked(draft.identifierURIs ?? [])
        let fresh = ApplicationRecord(
            objectID: GUID.make(), applicationID: GUID.make(), displayName: name, identifierURIs: uris, created: clock.now(), secrets: []
        )
        try await store.write { transaction in
            try transaction.checkFree(uris, for: fresh.objectID)
            try transaction.put(fresh, fresh.objectID, in: ApplicationRecord.collection, if: .absent)
            try transaction.put(
                PrincipalReference(objectID: fresh.objectID), fresh.applicationID, in: ApplicationRecord.applicationIDs, if: .absent
            )
        }
        return fresh
    }

    /// Changes name and identifier URIs, those of the service principal too.
    func update(_ objectID: String, _ draft: Draft, by grant: Grant) async throws {
        let name = try draft.displayName.map { try DirectoryName.display($0) }
        let uris = try draft.identifierURIs.map { try Self.checked($0) }
        try await change(objectID) { application, transaction in
            application.displayName = name ?? application.displayName
            if let uris {
                try transaction.checkFree(uris, for: application.objectID)
                application.identifierURIs = uris
            }
            guard var principal = try transaction.principal(application: application.applicationID) else { return }
            principal.displayName = application.displayName
            principal.identifierURIs = application.identifierURIs
            try transaction.put(principal, principal.objectID, in: PrincipalRecord.collection)
        }
    }

    func add(_ secret: ClientSecretRecord, to objectID: String, by grant: Grant) async throws {
        try await change(objectID) { application, _ in try application.secrets.add(secret) }
    }

    func removeSecret(_ keyID: String, of objectID: String, by grant: Grant) async throws {
        try await change(objectID) { application, _ in try application.secrets.remove(keyID: keyID) }
    }

    /// Removes a registration and its service principal, with role assignments and memberships.
    func remove(_ objectID: String, by grant: Grant) async throws {
        let subscription = ResourceID(subscription: settings.subscriptionID)
        try await store.write { transaction in
            guard let application = try transaction.application(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            try transaction.remove(application.objectID, in: ApplicationRecord.collection, if: .any)
            try transaction.remove(application.applicationID, in: ApplicationRecord.applicationIDs, if: .any)
            if let principal = try transaction.principal(application: application.applicationID) {
                try transaction.removeUnlessLastOwner(principal, of: subscription)
            }
        }
        bell.ring()
    }

    private func change(
        _ objectID: String, _ change: @escaping @Sendable (inout ApplicationRecord, any WriteTransaction) throws -> Void
    ) async throws {
        try await store.write { transaction in
            guard var application = try transaction.application(objectID) else { throw APIError.directoryObjectNotFound(objectID) }
            try change(&application, transaction)
            try transaction.put(application, application.objectID, in: ApplicationRecord.collection)
        }
    }

    private static func checked(_ uris: [String]) throws(APIError) -> [String] {
        guard uris.count <= 50 else { throw .badDirectoryRequest("An application has 50 identifierUris at most.", "identifierUris") }
        for uri in uris {
            let isSpelled = uri.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            guard isSpelled, uri.contains(":"), uri.utf8.count <= 255 else {
                throw .badDirectoryRequest("'\(uri.prefix(100))' is no URI such as api://name.", "identifierUris")
            }
        }
        return uris
    }
}

extension ReadTransaction {
    /// - Throws: ``APIError/directoryValueTaken(_:)`` if another application has one of the URIs.
    fileprivate func checkFree(_ uris: [String], for objectID: String) throws {
        guard !uris.isEmpty else { return }
        let wanted = Set(uris.map { $0.lowercased() })
        let isTaken = try values(ApplicationRecord.self, in: ApplicationRecord.collection).contains { other in
            other.objectID != objectID && other.identifierURIs.contains { wanted.contains($0.lowercased()) }
        }
        if isTaken { throw APIError.directoryValueTaken("identifierUris") }
    }
}

/// The names that people give to objects of the directory.
enum DirectoryName {
    /// - Returns: `name` if it can be a display name: 1 to 256 characters, none of them a control character.
    static func display(_ name: String?) throws(APIError) -> String {
        try checked(name, "displayName", longest: 256)
    }

    /// - Returns: `name` if it can be the part of a mail address before the `@`: 1 to 64 printable characters of ASCII without blanks and `@`.
    static func mailNickname(_ name: String?) throws(APIError) -> String {
        let name = try checked(name, "mailNickname", longest: 64)
        guard name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !name.contains(where: { "@()\\[]\";:<>,".contains($0) }) else {
            throw .badDirectoryRequest("Invalid value specified for property 'mailNickname'.", "mailNickname")
        }
        return name
    }

    static func checked(_ text: String?, _ property: String, longest: Int) throws(APIError) -> String {
        guard let text else { throw .badDirectoryRequest("A value is required for property '\(property)'.", property) }
        let isPrintable = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        guard (1...longest).contains(text.count), text.utf8.count <= 4 * longest, isPrintable, text.contains(where: { !$0.isWhitespace }) else {
            throw .badDirectoryRequest(
                "Invalid value specified for property '\(property)': 1 to \(longest) characters, none of them a control character.", property
            )
        }
        return text
    }
}
