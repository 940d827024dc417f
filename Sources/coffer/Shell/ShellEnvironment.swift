import CofferClient
import Foundation

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

    /// `export` lines for a POSIX shell. A privately installed `az` is put at the end of the PATH, after one of the user's own.
    var exports: String {
        let lines = variables.map { "export \($0.name)=\(Self.quote($0.value))\n" }.joined()
        let environment = ProcessInfo.processInfo.environment
        guard AzureCLI.lookUp("az", in: environment) == nil, let az = AzureCLI.find(nil, in: environment) else { return lines }
        let directory = URL(fileURLWithPath: az).deletingLastPathComponent().path
        return lines + "export PATH=\(Self.quote((environment["PATH"] ?? "/usr/bin:/bin") + ":" + directory))\n"
    }

    private static func quote(_ text: String) -> String {
        "'\(text.replacing("'", with: "'\\''"))'"
    }
}
