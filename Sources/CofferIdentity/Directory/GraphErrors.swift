import CofferModel

/// Refusals of the directory, as Microsoft Graph words them. Some texts must not hold phrases for which `az ad sp create-for-rbac` tries again
/// for minutes (` does not exist `, ` does not reference `): this directory has no replication to wait for.
extension APIError {
    /// 401: no token, or one that is not believed.
    static func invalidAuthenticationToken(_ reason: String) -> APIError {
        APIError(status: 401, code: "InvalidAuthenticationToken", message: reason)
    }

    /// 400: there is no signed-in person. `az` looks for this text.
    static func delegatedFlowRequired() -> APIError {
        APIError(status: 400, code: "BadRequest", message: "/me request is only valid with delegated authentication flow.")
    }

    /// 400: why a person's own password was not changed.
    static func passwordNotChanged(_ refusal: TokenError) -> APIError {
        badDirectoryRequest("The password was not changed. \(refusal.description)", "currentPassword")
    }

    /// 403: whoever writes the directory could give itself any role by way of a group, so it takes a role that may do that anyway.
    /// `az` looks for the first sentence.
    static func directoryWriteDenied(_ subscription: ResourceID) -> APIError {
        APIError(
            status: 403, code: "Authorization_RequestDenied",
            message: "Insufficient privileges to complete the operation. It takes the role Owner or User Access Administrator at "
                + "'\(subscription)'."
        )
    }

    /// 404: no object of the directory has this id.
    static func directoryObjectNotFound(_ id: String) -> APIError {
        APIError(
            status: 404, code: "Request_ResourceNotFound",
            message: "Resource '\(id.prefix(200))' does not exist or one of its queried reference-property objects are not present."
        )
    }

    /// 400: a property that is missing or not allowed.
    static func badDirectoryRequest(_ message: String, _ property: String) -> APIError {
        APIError(status: 400, code: "Request_BadRequest", message: message, target: property)
    }

    /// 400: a property that identifies somebody is used by somebody else.
    static func directoryValueTaken(_ property: String) -> APIError {
        badDirectoryRequest("Another object with the same value for property \(property) already exists.", property)
    }

    /// 409: the application has its service principal.
    static func servicePrincipalExists(_ applicationID: String) -> APIError {
        APIError(
            status: 409, code: "Request_MultipleObjectsWithSameKeyValue",
            message: "The service principal cannot be created, updated, or restored because the service principal name \(applicationID) is "
                + "already in use.",
            target: "appId"
        )
    }

    /// 400: no registration has this application id.
    static func noApplicationForPrincipal(_ applicationID: String) -> APIError {
        badDirectoryRequest(
            "The appId '\(applicationID.prefix(100))' is that of no application in this directory. Register one first: `az ad app create`.", "appId"
        )
    }

    /// 400: the group has the member.
    static func memberExists() -> APIError {
        badDirectoryRequest(
            "One or more added object references already exist for the following modified properties: 'members'.", "members"
        )
    }

    /// 400: sign-in is by client secrets.
    static func keyCredentialsNotSupported() -> APIError {
        badDirectoryRequest("Certificates cannot be used to sign in here. Use a password credential (client secret).", "keyCredentials")
    }

    /// 400: too many secrets in one object.
    static func tooManySecrets(_ limit: Int) -> APIError {
        badDirectoryRequest(
            "The object has \(limit) password credentials, which is the most. Remove one: `az ad app credential delete`.", "passwordCredentials"
        )
    }

    /// 400: no secret has this id.
    static func secretNotFound(_ keyID: String) -> APIError {
        badDirectoryRequest("No password credential found with keyId '\(keyID.prefix(100))'.", "keyId")
    }

    /// 400: managed identities are made, kept and removed by their resources.
    static func managedIdentityNotEditable(_ name: String) -> APIError {
        badDirectoryRequest("'\(name)' is the managed identity of a resource, which makes and removes it. It has no secrets.", "id")
    }

    /// 400: the last owner's service principal.
    static func ownerNotRemovable() -> APIError {
        badDirectoryRequest(
            "This is the last Owner of the subscription that can sign in. Assign the role Owner to another service principal first.", "id"
        )
    }

    /// 400: a `$filter` that the directory does not know.
    static func unsupportedGraphFilter(_ filter: String) -> APIError {
        APIError(status: 400, code: "Request_UnsupportedQuery", message: "Unsupported or invalid query filter '\(filter.prefix(300))'.")
    }

    /// 404: a part of Microsoft Graph that is not there.
    static func graphPathNotFound(_ path: String) -> APIError {
        APIError(
            status: 404, code: "Request_ResourceNotFound",
            message: "The directory has no \(path.prefix(300)). It has users, groups, applications, servicePrincipals and directoryObjects."
        )
    }
}
