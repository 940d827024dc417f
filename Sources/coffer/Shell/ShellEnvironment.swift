import CofferClient

/// The variables with which `az` and the Azure SDKs speak to an installation.
struct ShellEnvironment {
    /// In the order in which they are printed.
    let variables: [(name: String, value: String)]

    init(_ directory: DataDirectory) throws {
        let card = try directory.card()
        variables = [
            ("REQUESTS_CA_BUNDLE", directory.caPath),
            ("AZURE_CONFIG_DIR", directory.azureConfigPath),
            ("AZURE_TENANT_ID", card.tenantID),
            ("AZURE_CLIENT_ID", card.administratorClientID),
            ("AZURE_CLIENT_SECRET", try directory.administratorSecret()),
            ("AZURE_SUBSCRIPTION_ID", card.subscriptionID),
            ("AZURE_AUTHORITY_HOST", card.authority),
            ("AZURE_CORE_COLLECT_TELEMETRY", "false"),
            ("COFFER_DATA", directory.path),
            ("COFFER_URL", card.authority),
            ("COFFER_VAULT_SUFFIX", card.vaultSuffix),
            ("COFFER_PRINCIPAL_ID", card.administratorObjectID),
        ]
    }

    /// `export` lines for a POSIX shell.
    var exports: String {
        variables.map { "export \($0.name)='\($0.value.replacing("'", with: "'\\''"))'\n" }.joined()
    }
}
