import CofferCore
import CofferModel

extension UserRecord {
    /// The person as Microsoft Graph shows it.
    var graphJSON: JSONValue {
        [
            "@odata.type": "#microsoft.graph.user",
            "id": .string(objectID),
            "userPrincipalName": .string(userPrincipalName),
            "displayName": .string(displayName),
            "mailNickname": mailNickname.map { .string($0) } ?? .null,
            "accountEnabled": .bool(isEnabled),
            "createdDateTime": .string(created.description),
            "userType": "Member",
            "businessPhones": [], "givenName": nil, "surname": nil, "jobTitle": nil, "mail": nil, "mobilePhone": nil,
            "officeLocation": nil, "preferredLanguage": nil,
        ]
    }
}

extension GroupRecord {
    /// The group as Microsoft Graph shows it.
    var graphJSON: JSONValue {
        [
            "@odata.type": "#microsoft.graph.group",
            "id": .string(objectID),
            "displayName": .string(displayName),
            "description": description.map { .string($0) } ?? .null,
            "mailNickname": .string(mailNickname),
            "mailEnabled": false,
            "securityEnabled": true,
            "groupTypes": [], "proxyAddresses": [], "mail": nil, "visibility": nil, "deletedDateTime": nil,
            "createdDateTime": .string(created.description),
        ]
    }
}

extension ApplicationRecord {
    /// The registration as Microsoft Graph shows it.
    func graphJSON(tenantID: String) -> JSONValue {
        [
            "@odata.type": "#microsoft.graph.application",
            "id": .string(objectID),
            "appId": .string(applicationID),
            "displayName": .string(displayName),
            "identifierUris": .array(identifierURIs.map { .string($0) }),
            "createdDateTime": .string(created.description),
            "signInAudience": "AzureADMyOrg",
            "passwordCredentials": .array(secrets.map(\.graphJSON)),
            "keyCredentials": [], "appRoles": [], "requiredResourceAccess": [], "tags": [], "deletedDateTime": nil, "description": nil,
        ]
    }
}

extension PrincipalRecord {
    var servicePrincipalNames: [String] { [applicationID] + (identifierURIs ?? []) }

    var servicePrincipalType: String { kind == .application ? "Application" : "ManagedIdentity" }

    /// The principal as Microsoft Graph shows it.
    func graphJSON(tenantID: String) -> JSONValue {
        [
            "@odata.type": "#microsoft.graph.servicePrincipal",
            "id": .string(objectID),
            "appId": .string(applicationID),
            "displayName": .string(displayName),
            "appDisplayName": kind == .application ? .string(displayName) : .null,
            "appOwnerOrganizationId": kind == .application ? .string(tenantID) : .null,
            "accountEnabled": .bool(isEnabled),
            "servicePrincipalType": .string(servicePrincipalType),
            "servicePrincipalNames": .array(servicePrincipalNames.map { .string($0) }),
            "alternativeNames": .array(resource.map { ["isExplicit=False", .string($0.text)] } ?? []),
            "createdDateTime": .string(created.description),
            "passwordCredentials": .array(secrets.map(\.graphJSON)),
            "keyCredentials": [], "appRoles": [], "tags": [],
        ]
    }
}

extension ClientSecretRecord {
    /// A password credential as Microsoft Graph shows it, without the secret.
    var graphJSON: JSONValue {
        [
            "keyId": .string(keyID),
            "displayName": displayName.map { .string($0) } ?? .null,
            "startDateTime": .string(starts.description),
            "endDateTime": .string(ends.description),
            "customKeyIdentifier": nil, "hint": nil, "secretText": nil,
        ]
    }
}
