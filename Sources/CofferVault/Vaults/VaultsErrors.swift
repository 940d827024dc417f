import CofferCore
import CofferModel

extension APIError {
    /// 400 for a property of a vault that makes no sense or cannot be as asked.
    static func badVaultRequest(_ message: String) -> APIError {
        APIError(status: 400, code: "BadRequest", message: message)
    }

    /// 400: the name is not one that a vault can have.
    static func vaultNameNotValid(_ name: String) -> APIError {
        APIError(
            status: 400, code: "VaultNameNotValid",
            message: "The vault name '\(name.shortened)' is invalid. \(vaultNameRule)"
        )
    }

    /// The sentence that says what a vault may be called.
    static let vaultNameRule =
        "A vault's name must be between 3 and 24 alphanumeric characters. The name must begin with a letter, end with a letter "
        + "or digit, and not contain consecutive hyphens."

    static let softDeleteIsForEver = badVaultRequest(
        "The property \"enableSoftDelete\" cannot be set to false. Every vault keeps what is deleted until its retention ends; "
            + "leave the property out, and choose softDeleteRetentionInDays between 7 and 90.")

    static let purgeProtectionIsForEver = badVaultRequest(
        "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an "
            + "irreversible action. Leave the property out to keep it as it is.")

    static let retentionIsFixed = badVaultRequest(
        "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.")

    static func tenantIsFixed(_ tenantID: String) -> APIError {
        badVaultRequest("The vault is in tenant '\(tenantID)' and cannot change it.")
    }

    static func badPolicyChange(_ word: String) -> APIError {
        badVaultRequest(
            "'\(word.shortened)' is not a change of access policies. Use one of: "
                + AccessPolicyChange.allCases.map(\.rawValue).joined(separator: ", ") + ".")
    }

    static let tooManyPolicies = badVaultRequest(
        "A vault may have up to \(AccessPolicy.largestCount) access policies. Give permissions to a group, or use role assignments: az "
            + "keyvault update --enable-rbac-authorization true")

    static func missingVaultProperty(_ name: String, advice: String) -> APIError {
        badVaultRequest("The property \"\(name)\" is missing. \(advice)")
    }

    static func locationRequired(example: String) -> APIError {
        APIError(
            status: 400, code: "LocationRequired",
            message: "The location property is required for this definition. Name a region such as '\(example)'."
        )
    }

    static func locationIsFixed(_ vault: VaultRecord, wanted: String) -> APIError {
        APIError(
            status: 409, code: "InvalidResourceLocation",
            message: "The resource '\(vault.name)' already exists in location '\(vault.location)' in resource group "
                + "'\(vault.id.group ?? "")'. A resource with the same name cannot be created in location '\(wanted)'. "
                + "Please select a new resource name."
        )
    }

    /// 409: another vault has the name, wherever it is.
    static func vaultAlreadyExists(_ name: String) -> APIError {
        APIError(
            status: 409, code: "VaultAlreadyExists",
            message: "The vault name '\(name)' is already in use. Vault names are unique over all subscriptions, deleted vaults "
                + "included, so choose another name."
        )
    }

    /// 409: the name belongs to a deleted vault of the same subscription.
    static func vaultIsDeleted(_ vault: VaultRecord) -> APIError {
        let purge = vault.hasPurgeProtection
            ? "It is protected from purge, so the name becomes free on \(vault.deletion?.scheduledPurge.description ?? "")."
            : "Or remove it for good with: az keyvault purge --name \(vault.name)"
        return APIError(
            status: 409, code: "ConflictError",
            message: "A vault with the same name already exists in deleted state. You need to either recover or purge existing key "
                + "vault. Recover it with: az keyvault recover --name \(vault.name). \(purge)"
        )
    }

    /// 404: there is nothing to recover.
    static func noDeletedVault(_ name: String) -> APIError {
        APIError(
            status: 404, code: "ResourceNotFound",
            message: "There is no deleted vault named '\(name.shortened)' there. List the deleted vaults with: az keyvault list-deleted"
        )
    }

    /// 409: a deleted vault comes back only where it was.
    static func recoversElsewhere(_ vault: VaultRecord) -> APIError {
        APIError(
            status: 409, code: "ConflictError",
            message: "The deleted vault '\(vault.name)' can only be recovered as '\(vault.id)' in location '\(vault.location)'."
        )
    }

    /// 405: purge protection holds until the retention ends.
    static func vaultIsPurgeProtected(_ vault: VaultRecord) -> APIError {
        APIError(
            status: 405, code: "MethodNotAllowed",
            message: "Operation 'DeletedVaultPurge' is not allowed. The vault '\(vault.name)' is purge protected and will be purged "
                + "automatically on \(vault.deletion?.scheduledPurge.description ?? "")."
        )
    }

    /// 405: a part of Key Vault that this version does not have.
    static func notInThisVersion(_ what: String) -> APIError {
        APIError(
            status: 405, code: "NotSupported",
            message: "\(what) not supported by this version of Coffer. Supported are vaults with their access "
                + "policies, keys and secrets."
        )
    }
}

extension APIError {
    /// 400: a vault was named without its resource group.
    static let vaultNeedsGroup = badVaultRequest(
        "A vault is named with its resource group: /subscriptions/{id}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}")

    /// 404: the namespace has no such type.
    static func noSuchResourceType(_ path: [String], _ method: String) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "The resource type '\(path.joined(separator: "/").shortened)' could not be found in the namespace "
                + "'Microsoft.KeyVault' for \(method)."
        )
    }
}
