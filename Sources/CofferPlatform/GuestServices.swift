/// Issues tokens to identities whose caller was known by other means than a secret. Answered by CofferIdentity.
package protocol IdentityTokens: Sendable {
    /// - Parameter resource: What the token is for, an application id URI such as `https://vault.azure.net`.
    /// - Throws: ``APIError`` if there is no such resource, or the identity is gone.
    func token(for identity: Caller, resource: String) async throws -> IdentityToken
}

/// A token on its way to who it was issued to. Its description does not show it.
package struct IdentityToken: Sendable, CustomStringConvertible {
    package let text: String
    /// Seconds since 1970.
    package let expires: Int64
    package let expiresInSeconds: Int64

    package init(text: String, expires: Int64, expiresInSeconds: Int64) {
        self.text = text
        self.expires = expires
        self.expiresInSeconds = expiresInSeconds
    }

    package var description: String { "IdentityToken(expires: \(expires))" }
}

/// Sockets of this host at which guests are answered, each guest at its own: that a request came through it is what tells whose it is.
/// Answered by CofferHTTP.
package protocol GuestListener: Sendable {
    /// Answers HTTP at a Unix socket from now on. Repeating it for a path that is open is no error.
    ///
    /// - Throws: if the socket cannot be made.
    func open(at path: String, _ handler: any APIHandler) async throws
    /// Answers no more there.
    func close(at path: String) async
}
