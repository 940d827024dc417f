import ArgumentParser
import CofferClient
import Foundation

struct LoginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Register this cloud in the private az configuration and log az in as the administrator.",
        discussion: "Repeating it is harmless. It changes only the AZURE_CONFIG_DIR that `coffer env` prints, never ~/.azure."
    )

    @OptionGroup var data: DataOption

    @Option(help: "The az program (default: $COFFER_AZ, else what scripts/setup.sh installed, else az in the PATH).")
    var az: String?

    func run() throws {
        let directory = data.directory
        let card = try directory.card()
        guard let program = AzureCLI.find(az, in: ProcessInfo.processInfo.environment) else {
            throw ValidationError(az.map { "there is no \($0)" } ?? AzureCLI.advice)
        }
        let az = AzureCLI(program: program, environment: try ShellEnvironment(directory))
        // MSAL keeps discovery documents for a day; another port or data directory makes them wrong.
        try? FileManager.default.removeItem(atPath: directory.azureConfigPath + "/msal_http_cache.bin")
        try FileManager.default.createDirectory(
            atPath: directory.azureConfigPath, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
        )
        try az.run(["config", "set", "core.instance_discovery=false", "core.collect_telemetry=false", "--only-show-errors"])
        let isRegistered = (try? az.run(["cloud", "show", "-n", "Coffer", "--only-show-errors"])) != nil
        if isRegistered { try az.run(["cloud", "set", "-n", "AzureCloud", "--only-show-errors"]) }
        if isRegistered { try az.run(["cloud", "unregister", "-n", "Coffer", "--only-show-errors"]) }
        try az.run(["cloud", "register", "-n", "Coffer", "--endpoint-resource-manager", card.authority, "--only-show-errors"])
        try az.run(["cloud", "set", "-n", "Coffer", "--only-show-errors"])
        // `@file` keeps the secret out of the process list.
        try az.run([
            "login", "--service-principal", "--username", card.administratorClientID, "--password",
            "@\(directory.administratorSecretPath)", "--tenant", card.tenantID, "--only-show-errors",
        ])
        print("az is logged in to \(card.authority) as \(card.administratorClientID).")
    }
}
