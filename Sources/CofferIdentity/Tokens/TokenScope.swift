/// What a client asks a token for.
enum TokenScope {
    /// The audience of a scope of the client-credentials grant: what stands before `/.default`, a trailing slash kept, so
    /// that `https://localhost:8443//.default` is for `https://localhost:8443/`.
    ///
    /// - Returns: nil if the scope is not one resource with `/.default`. The scopes of OpenID Connect beside it are passed
    ///   over.
    static func audience(of scope: String) -> String? {
        let resources = scope.split(separator: " ").filter { !openID.contains($0.lowercased()) }
        guard resources.count == 1, resources[0].hasSuffix(suffix) else { return nil }
        let audience = resources[0].dropLast(suffix.count)
        return audience.isEmpty ? nil : String(audience)
    }

    /// The same for a person, for whom clients may also name the one thing that an application can do for them: `user_impersonation`.
    static func delegatedAudience(of scope: String) -> String? {
        let words = scope.split(separator: " ").map { word in
            word.hasSuffix("/\(SignInService.scope)") ? word.dropLast(SignInService.scope.count + 1) + suffix : String(word)
        }
        return audience(of: words.joined(separator: " "))
    }

    private static let suffix = "/.default"
    private static let openID: Set<String> = ["openid", "profile", "offline_access", "email"]
}
