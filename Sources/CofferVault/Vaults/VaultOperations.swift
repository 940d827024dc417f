import CofferPlatform

/// What roles can allow in `Microsoft.KeyVault`, for `GET /providers/Microsoft.KeyVault/operations`.
enum VaultOperations {
    static let all: [ProviderOperation] =
        management.map { operation(.management("Microsoft.KeyVault/\($0.action)"), $0.resource, $0.sentence) }
        + data.map { operation(.data("Microsoft.KeyVault/vaults/\($0.action)"), $0.resource, $0.sentence) }

    private typealias Row = (action: String, resource: String, sentence: String)

    private static let management: [Row] = [
        ("register/action", "Subscription", "Register a subscription"),
        ("operations/read", "Operations", "List the operations of this provider"),
        ("checkNameAvailability/read", "Vault", "Check whether a vault may have a name"),
        ("vaults/read", "Vault", "View the properties of a vault"),
        ("vaults/write", "Vault", "Create a vault or change its properties"),
        ("vaults/delete", "Vault", "Delete a vault"),
        ("vaults/deploy/action", "Vault", "Use secrets of a vault for parameters of deployments"),
        ("vaults/accessPolicies/write", "Access policy", "Add, replace or remove access policies of a vault"),
        ("vaults/keys/read", "Key", "List keys and view their properties"),
        ("vaults/keys/write", "Key", "Create the first version of a key"),
        ("vaults/keys/versions/read", "Key version", "List versions of a key and view their properties"),
        ("vaults/secrets/read", "Secret", "View the properties of a secret, never its value"),
        ("vaults/secrets/write", "Secret", "Create a secret or set its value"),
        ("deletedVaults/read", "Deleted vault", "List deleted vaults"),
        ("locations/deletedVaults/read", "Deleted vault", "View the properties of a deleted vault"),
        ("locations/deletedVaults/purge/action", "Deleted vault", "Purge a deleted vault"),
    ]

    private static let data: [Row] = [
        ("keys/read", "Key", "List keys and read their public parts and properties"),
        ("keys/create/action", "Key", "Create a key"),
        ("keys/import/action", "Key", "Import a key"),
        ("keys/update/action", "Key", "Change attributes of a key"),
        ("keys/rotate/action", "Key", "Make a new version of a key"),
        ("keys/delete", "Key", "Delete a key"),
        ("keys/recover/action", "Key", "Recover a deleted key"),
        ("keys/purge/action", "Key", "Purge a deleted key"),
        ("keys/backup/action", "Key", "Back a key up"),
        ("keys/restore/action", "Key", "Restore a key from a backup"),
        ("keys/encrypt/action", "Key", "Encrypt with a key"),
        ("keys/decrypt/action", "Key", "Decrypt with a key"),
        ("keys/wrap/action", "Key", "Wrap a key with a key"),
        ("keys/unwrap/action", "Key", "Unwrap a key with a key"),
        ("keys/sign/action", "Key", "Sign with a key"),
        ("keys/verify/action", "Key", "Verify a signature with a key"),
        ("keys/release/action", "Key", "Release a key"),
        ("keyrotationpolicies/read", "Key rotation policy", "Read the rotation policy of a key"),
        ("keyrotationpolicies/write", "Key rotation policy", "Set the rotation policy of a key"),
        ("secrets/getSecret/action", "Secret", "Read the value of a secret"),
        ("secrets/readMetadata/action", "Secret", "List secrets and read their properties"),
        ("secrets/setSecret/action", "Secret", "Set the value of a secret"),
        ("secrets/update/action", "Secret", "Change attributes of a secret"),
        ("secrets/delete", "Secret", "Delete a secret"),
        ("secrets/recover/action", "Secret", "Recover a deleted secret"),
        ("secrets/purge/action", "Secret", "Purge a deleted secret"),
        ("secrets/backup/action", "Secret", "Back a secret up"),
        ("secrets/restore/action", "Secret", "Restore a secret from a backup"),
        ("certificates/read", "Certificate", "List certificates and read them"),
        ("certificates/create/action", "Certificate", "Create a certificate"),
        ("certificates/import/action", "Certificate", "Import a certificate"),
        ("certificates/update/action", "Certificate", "Change attributes and policy of a certificate"),
        ("certificates/delete", "Certificate", "Delete a certificate"),
        ("certificates/recover/action", "Certificate", "Recover a deleted certificate"),
        ("certificates/purge/action", "Certificate", "Purge a deleted certificate"),
        ("certificates/backup/action", "Certificate", "Back a certificate up"),
        ("certificates/restore/action", "Certificate", "Restore a certificate from a backup"),
        ("certificatecontacts/write", "Certificate contacts", "Read and set the contacts of certificates"),
        ("certificatecas/read", "Certificate issuer", "Read the issuers of certificates"),
        ("certificatecas/write", "Certificate issuer", "Set an issuer of certificates"),
        ("certificatecas/delete", "Certificate issuer", "Delete an issuer of certificates"),
    ]

    private static func operation(_ action: Action, _ resource: String, _ sentence: String) -> ProviderOperation {
        ProviderOperation(action, provider: "Microsoft Key Vault", resource: resource, sentence)
    }
}
