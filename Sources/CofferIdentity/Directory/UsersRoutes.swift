import CofferCore
import CofferModel
import CofferPlatform

/// `/users`. Decodes, calls ``UserService``, encodes.
struct UsersRoutes {
    let service: UserService
    let objects: DirectoryObjectsRoutes
    let answer: GraphAnswer

    private struct Body: Decodable {
        struct PasswordProfile: Decodable {
            let password: String?
            let forceChangePasswordNextSignIn: Bool?
        }

        let userPrincipalName: String?
        let displayName: String?
        let mailNickname: String?
        let accountEnabled: Bool?
        let passwordProfile: PasswordProfile?

        /// - Throws: ``APIError`` for a password that is too short or too long.
        func draft() throws(APIError) -> UserService.Draft {
            UserService.Draft(
                userPrincipalName: userPrincipalName, displayName: displayName, mailNickname: mailNickname, isEnabled: accountEnabled,
                password: try password(), mustChangePassword: passwordProfile?.forceChangePasswordNextSignIn)
        }

        private func password() throws(APIError) -> PasswordText? {
            try passwordProfile?.password.map { text throws(APIError) in try UsersRoutes.password(text, "passwordProfile") }
        }
    }

    /// The body of `changePassword`.
    private struct ChangePasswordBody: Decodable {
        let currentPassword: String
        let newPassword: String
    }

    private static func password(_ text: String, _ property: String) throws(APIError) -> PasswordText {
        guard (8...256).contains(text.count) else {
            throw .badDirectoryRequest(
                "The specified password does not comply with password complexity requirements: 8 to 256 characters.", property
            )
        }
        var bytes = Array(text.utf8)
        return PasswordText(SecretBytes(wiping: &bytes))
    }

    func handle(_ call: GraphCall) async throws -> APIResponse {
        let request = call.request
        switch (request.method, call.words.count) {
        case (.get, 1): return try answer.page(await service.list(DirectoryPageRequest(request)), of: "users", request)
        case (.post, 1):
            let grant = try await call.permit()
            let body = try request.decode(Body.self)
            guard body.passwordProfile?.password != nil else {
                throw APIError.badDirectoryRequest("A password must be specified to create a new user.", "passwordProfile")
            }
            return try answer.one(await service.add(body.draft(), by: grant).graphJSON, of: "users", status: 201)
        case (.get, 2): return try answer.one(await service.get(call.path[1]).graphJSON, of: "users")
        case (.patch, 2):
            let grant = try await call.permit()
            let body = try request.decode(Body.self)
            guard body.userPrincipalName == nil else {
                throw APIError.badDirectoryRequest("The userPrincipalName of a user cannot be changed.", "userPrincipalName")
            }
            try await service.update(call.path[1], body.draft(), by: grant)
            return .noContent
        case (.delete, 2):
            try await service.remove(call.path[1], by: call.permit())
            return .noContent
        case (.post, 3) where call.isOnSelf && call.words[2] == "changepassword":
            let body = try request.decode(ChangePasswordBody.self)
            let (current, new) = (try Self.password(body.currentPassword, "currentPassword"), try Self.password(body.newPassword, "newPassword"))
            try await service.changePassword(of: call.path[1], from: current, to: new)
            return .noContent
        default: return try await objects.question(call)
        }
    }
}
