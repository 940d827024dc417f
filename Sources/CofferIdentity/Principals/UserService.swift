package import CofferCore
import CofferModel
package import CofferPlatform

/// Enters people into the directory, so that groups and roles can name them and they can sign in.
package struct UserService: Sendable {
    /// What a client says of a person; nil where it says nothing.
    struct Draft: Sendable {
        var userPrincipalName: String?
        var displayName: String?
        var mailNickname: String?
        var isEnabled: Bool?
        var password: PasswordText?
        /// Whether the person must be given another password before signing in.
        var mustChangePassword: Bool?
    }

    private let store: any Store
    private let passwords: PasswordChecker
    private let clock: any WallClock
    private let bell: EventBell

    package init(store: any Store, passwords: PasswordChecker, clock: any WallClock, bell: EventBell) {
        self.store = store
        self.passwords = passwords
        self.clock = clock
        self.bell = bell
    }

    func list(_ page: DirectoryPageRequest) async throws -> DirectoryPage {
        try await store.read { try $0.directoryPage(UserRecord.self, in: UserRecord.collection, page) { $0.graphJSON } }
    }

    /// - Parameter key: An object id or a user principal name.
    /// - Throws: ``APIError/directoryObjectNotFound(_:)``.
    func get(_ key: String) async throws -> UserRecord {
        guard let user = try await store.read({ try $0.user(key) }) else { throw APIError.directoryObjectNotFound(key) }
        return user
    }

    /// - Throws: ``APIError``: a property that is missing or not allowed, or a user principal name that is taken.
    func add(_ draft: Draft, by grant: Grant) async throws -> UserRecord {
        let user = UserRecord(
            objectID: GUID.make(), userPrincipalName: try Self.principalName(draft.userPrincipalName),
            displayName: try DirectoryName.display(draft.displayName), mailNickname: try DirectoryName.mailNickname(draft.mailNickname),
            isEnabled: draft.isEnabled ?? true, created: clock.now()
        )
        let password = try await password(draft)
        try await store.write { transaction in
            let name = user.userPrincipalName.lowercased()
            guard try transaction.user(name) == nil else { throw APIError.directoryValueTaken("userPrincipalName") }
            try transaction.put(user, user.objectID, in: UserRecord.collection, if: .absent)
            try transaction.put(PrincipalReference(objectID: user.objectID), name, in: UserRecord.names, if: .absent)
            if let password { try transaction.put(password, user.objectID, in: PasswordRecord.collection) }
        }
        return user
    }

    func update(_ key: String, _ draft: Draft, by grant: Grant) async throws {
        let displayName = try draft.displayName.map { try DirectoryName.display($0) }
        let mailNickname = try draft.mailNickname.map { try DirectoryName.mailNickname($0) }
        let password = try await password(draft)
        try await store.write { transaction in
            guard var user = try transaction.user(key) else { throw APIError.directoryObjectNotFound(key) }
            user.displayName = displayName ?? user.displayName
            user.mailNickname = mailNickname ?? user.mailNickname
            user.isEnabled = draft.isEnabled ?? user.isEnabled
            try transaction.put(user, user.objectID, in: UserRecord.collection)
            guard let password else { return }
            try transaction.put(password, user.objectID, in: PasswordRecord.collection)
            try transaction.forgetAttempts(of: user)
        }
    }

    /// Changes the password of who asks, who must know the present one.
    ///
    /// - Throws: ``APIError/passwordNotChanged(_:)`` if it is another, or there were too many attempts.
    func changePassword(of objectID: String, from current: PasswordText, to new: PasswordText) async throws {
        let now = clock.now()
        let found = try await store.write { transaction -> (user: UserRecord, password: PasswordRecord?)? in
            guard let user = try transaction.user(objectID) else { return nil }
            do throws(any Error) {
                try transaction.countAttempt(of: user, at: now)
            } catch let refusal as TokenError {
                throw APIError.passwordNotChanged(refusal)
            }
            return (user, try transaction.password(of: user))
        }
        guard let (user, password) = found else { throw APIError.directoryObjectNotFound(objectID) }
        do {
            guard try await passwords.matches(current, password) else { throw TokenError.wrongPassword }
        } catch let refusal as TokenError {
            throw APIError.passwordNotChanged(refusal)
        }
        let record = try await passwords.record(of: new, mustChange: false)
        try await store.write { transaction in
            guard try transaction.password(of: user) == password else { throw APIError.passwordNotChanged(.wrongPassword) }
            try transaction.put(record, user.objectID, in: PasswordRecord.collection)
            try transaction.forgetAttempts(of: user)
        }
    }

    /// Removes a person with role assignments and memberships.
    func remove(_ key: String, by grant: Grant) async throws {
        try await store.write { transaction in
            guard let user = try transaction.user(key) else { throw APIError.directoryObjectNotFound(key) }
            try transaction.removeTraces(of: MemberRecord(memberID: user.objectID, type: .user))
            try transaction.remove(user.objectID, in: UserRecord.collection, if: .any)
            try transaction.remove(user.objectID, in: PasswordRecord.collection, if: .any)
            try transaction.forgetAttempts(of: user)
            try transaction.remove(user.userPrincipalName.lowercased(), in: UserRecord.names, if: .any)
        }
        bell.ring()
    }

    private func password(_ draft: Draft) async throws -> PasswordRecord? {
        guard let password = draft.password else { return nil }
        return try await passwords.record(of: password, mustChange: draft.mustChangePassword ?? true)
    }

    /// `name@domain`, as Entra allows it: 64 characters at most before the `@`, 113 in all.
    private static func principalName(_ text: String?) throws(APIError) -> String {
        let text = try DirectoryName.checked(text, "userPrincipalName", longest: 113)
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        func isSpelled(_ part: Substring, _ marks: String) -> Bool {
            part.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: marks.utf8.contains(byte)
                }
            }
        }
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), !parts[1].isEmpty, isSpelled(parts[0], "'.-_!#^~$"),
            isSpelled(parts[1], ".-"), !parts[1].hasPrefix("."), !parts[1].hasSuffix(".")
        else {
            throw .badDirectoryRequest(
                "Invalid value specified for property 'userPrincipalName': it is name@domain, such as ann@coffer.localhost.", "userPrincipalName"
            )
        }
        return text
    }
}
