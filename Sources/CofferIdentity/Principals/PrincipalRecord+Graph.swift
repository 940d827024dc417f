import CofferCore
import CofferModel

extension PrincipalRecord {
    var servicePrincipalNames: [String] { [applicationID] }

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
            "tags": [],
        ]
    }
}
