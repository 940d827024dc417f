import CofferCore
import CofferModel
import CofferPlatform

extension APIError {
    /// 404: the key's URL leads to no vault that is in use.
    static func keyVaultNotFound(_ key: KeyURL, example: String) -> APIError {
        APIError(
            status: 404, code: "KeyVaultNotFound",
            message: "The key '\(key.text.shortened)' is in no vault of this Coffer. A key's URL has the form "
                + "https://{vault}.\(example)/keys/{key}/{version}."
        )
    }

    /// 404: the vault was deleted.
    static func keyVaultDeleted(_ vault: VaultRecord) -> APIError {
        APIError(
            status: 404, code: "KeyVaultNotFound",
            message: "The vault '\(vault.name)' is deleted. Bring it back with: az keyvault recover --name \(vault.name)"
        )
    }

    /// 400: it is not the URL of a key, or it lacks the version.
    static func keyURLNotValid(_ text: String) -> APIError {
        invalidParameter(
            "'\(text.shortened)' is not the URL of a key's version, https://{vault host}/keys/{key}/{version}.", target: "keyUrl")
    }

    /// 403: the identity lacks a permission.
    static func keyVaultAccessForbidden(_ permission: KeyPermission, _ identity: Caller, _ vault: VaultRecord) -> APIError {
        let advice = vault.usesRBAC
            ? "Assign it the role Key Vault Crypto Service Encryption User: az role assignment create --role \"Key Vault Crypto Service "
                + "Encryption User\" --assignee-object-id \(identity.objectID) --assignee-principal-type ServicePrincipal --scope \(vault.id)"
            : "Give it the key permissions that disks need: az keyvault set-policy --name \(vault.name) --object-id "
                + "\(identity.objectID) --key-permissions get wrapKey unwrapKey"
        return APIError(
            status: 403, code: "KeyVaultAccessForbidden",
            message: "The identity with object id '\(identity.objectID)' may not \(permission.policyName) keys of the vault "
                + "'\(vault.name)'. \(advice)"
        )
    }

    /// 403: the vault's firewall keeps the disk platform out.
    static func keyVaultFirewallForbidden(_ vault: VaultRecord) -> APIError {
        let advice = vault.publicNetworkAccess == .securedByPerimeter
            ? "Take it out of the perimeter: az keyvault update --name \(vault.name) --public-network-access Enabled"
            : "Let trusted services in: az keyvault update --name \(vault.name) --bypass AzureServices"
        return APIError(
            status: 403, code: "KeyVaultAccessForbidden",
            message: "The firewall of the vault '\(vault.name)' does not let the disk platform use its keys. \(advice)",
            innerCode: "ForbiddenByFirewall")
    }

    /// 404: the vault has no such key or version.
    static func keyVaultKeyNotFound(_ key: KeyURL) -> APIError {
        APIError(
            status: 404, code: "KeyVaultKeyNotFound",
            message: "The key '\(key.text.shortened)' was not found. List the versions that there are with: az keyvault key "
                + "list-versions --vault-name \(key.vault.shortened) --name \(key.name.shortened)"
        )
    }

    /// 403: the version is disabled.
    static func keyVaultKeyDisabled(_ key: KeyURL) -> APIError {
        keyVaultKeyUnusable(
            "KeyVaultKeyDisabled", key, "is disabled. Enable it with: az keyvault key set-attributes --id \(key.text) --enabled true")
    }

    /// 403: the version is not valid yet.
    static func keyVaultKeyNotYetValid(_ key: KeyURL, _ notBefore: Timestamp) -> APIError {
        keyVaultKeyUnusable(
            "KeyVaultKeyNotYetValid", key,
            "is not valid before \(notBefore). Move the date with: az keyvault key set-attributes --id \(key.text) --not-before")
    }

    /// 403: the version has expired. A vault would still unwrap with it; disks do not run on it.
    static func keyVaultKeyExpired(_ key: KeyURL, _ expires: Timestamp) -> APIError {
        keyVaultKeyUnusable(
            "KeyVaultKeyExpired", key,
            "expired on \(expires). Move the date with: az keyvault key set-attributes --id \(key.text) --expires. Then rotate the key.")
    }

    /// 403: `key_ops` leaves the operation out.
    static func keyVaultKeyOperationForbidden(_ key: KeyURL, _ operation: KeyOperation) -> APIError {
        keyVaultKeyUnusable(
            "KeyVaultKeyOperationForbidden", key,
            "does not permit \(operation.rawValue). Disks need wrapKey and unwrapKey: az keyvault key set-attributes --id \(key.text) "
                + "--ops wrapKey unwrapKey")
    }

    /// 403: only RSA keys wrap the data keys of disks.
    static func keyVaultKeyNotRSA(_ key: KeyURL, _ type: String) -> APIError {
        keyVaultKeyUnusable("KeyVaultKeyNotSupported", key, "is of type \(type). Disks need a key of type RSA or RSA-HSM.")
    }

    /// 409: the wrapped data key was not made by this version.
    static func wrappedKeyNotValid(_ key: KeyURL) -> APIError {
        APIError(
            status: 409, code: "WrappedKeyNotValid",
            message: "The wrapped data key in the disk's header cannot be unwrapped with '\(key.text)': it was wrapped by another "
                + "key, or is damaged."
        )
    }

    /// 400: a layer whose data key is wrapped in a way that vaults do not use.
    static func wrapAlgorithmNotSupported(_ algorithm: String) -> APIError {
        invalidParameter(
            "The data key is wrapped with '\(algorithm.shortened)'. A vault's key wraps data keys with RSA-OAEP-256.", target: "algorithm")
    }

    private static func keyVaultKeyUnusable(_ code: String, _ key: KeyURL, _ reason: String) -> APIError {
        APIError(status: 403, code: code, message: "The key '\(key.text)' \(reason)")
    }
}
