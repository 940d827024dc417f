import CofferModel
import CofferPlatform

extension APIError {
    /// 404: no vault answers at this host. Unlike other refusals it comes before the caller is known, as the lookup of a
    /// host name would.
    static func noVault(at host: String) -> APIError {
        let name = host.split(separator: ".").first.map(String.init) ?? host
        return APIError(
            status: 404, code: "VaultNotFound",
            message: "There is no vault at '\(host.shortened)'. If it was deleted, bring it back with: az keyvault recover --name "
                + "\(name.shortened)"
        )
    }

    /// 403 of the data plane, worded for the permission model of the vault (contract section 1.4).
    ///
    /// - Parameter groupCount: How many groups the caller is in, told where access policies decide.
    static func forbidden(
        _ permission: any ObjectPermission, _ caller: Caller, _ scope: ResourceID, in vault: VaultRecord, issuer: String, groupCount: Int
    ) -> APIError {
        let place = vault.place
        let who = "appid=\(caller.applicationID);oid=\(caller.objectID)"
        guard vault.usesRBAC else {
            return APIError(
                status: 403, code: "Forbidden",
                message: "The user, group or application '\(who);numgroups=\(groupCount);iss=\(issuer)' does not have "
                    + "\(permission.kind.rawValue) \(permission.policyName) permission on key vault '\(place)'. Give it with: az keyvault "
                    + "set-policy --name \(vault.name) --object-id \(caller.objectID) --\(permission.kind.noun)-permissions "
                    + "\(permission.policyName)",
                innerCode: "AccessDenied"
            )
        }
        let lines = [
            "Caller is not authorized to perform action on resource.",
            "If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
            "Caller: \(who);iss=\(issuer)",
            "Action: '\(permission.action.name)'",
            "Resource: '\(scope)'",
            "Assignment: (not found)",
            "DenyAssignmentId: null",
            "DecisionReason: null",
            "Vault: \(place)",
            "To allow it: az role assignment create --role \"\(permission.role)\" --assignee-object-id \(caller.objectID) "
                + "--assignee-principal-type ServicePrincipal --scope \(scope)",
        ]
        return APIError(
            status: 403, code: "Forbidden", message: lines.joined(separator: "\r\n"), innerCode: "ForbiddenByRbac")
    }

    /// 403: the firewall has no rule for the client's address.
    static func forbiddenByFirewall(_ caller: Caller, _ address: String, _ vault: VaultRecord, issuer: String) -> APIError {
        let advice =
            IPv4Address(client: address) == nil
            ? "Rules name IPv4 addresses alone: connect over IPv4, or let everybody in with: az keyvault update --name \(vault.name) "
                + "--default-action Allow"
            : "To allow it: az keyvault network-rule add --name \(vault.name) --ip-address \(address)/32"
        let lines = [
            "Client address is not authorized and caller is not a trusted service.",
            "Client address: \(address)",
            "Caller: appid=\(caller.applicationID);oid=\(caller.objectID);iss=\(issuer)",
            "Vault: \(vault.place)",
            advice,
        ]
        return APIError(status: 403, code: "Forbidden", message: lines.joined(separator: "\r\n"), innerCode: "ForbiddenByFirewall")
    }

    /// 403: the vault is closed to public networks, and there are no private ones here.
    static func forbiddenByConnection(_ caller: Caller, _ vault: VaultRecord, issuer: String) -> APIError {
        let lines = [
            "Public network access is disabled and request is not from a trusted service nor via an approved private link.",
            "Caller: appid=\(caller.applicationID);oid=\(caller.objectID);iss=\(issuer)",
            "Vault: \(vault.place)",
            "To allow it: az keyvault update --name \(vault.name) --public-network-access Enabled",
        ]
        return APIError(status: 403, code: "Forbidden", message: lines.joined(separator: "\r\n"), innerCode: "ForbiddenByConnection")
    }
}

extension VaultRecord {
    /// How refusals name it.
    fileprivate var place: String { "\(name);location=\(location)" }
}
