import ArgumentParser
import CofferClient
import CofferModel
import Foundation

struct KeyCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "See what depends on a key.", subcommands: [KeyImpactCommand.self])
}

struct KeyImpactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "impact",
        abstract: "List what would stop if a key were disabled, deleted or expired, before it is.",
        discussion: """
            KEY is a key's URL or its id in Azure Resource Manager. With a version, what depends on that version is listed; without, what
            depends on any. Nothing is changed. If nothing is listed, nothing depends on the key.
            """
    )

    @Argument(help: "https://VAULT/keys/NAME[/VERSION] or /subscriptions/…/vaults/VAULT/keys/NAME[/versions/VERSION].")
    var key: String

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(data.directory) { connection in
            let escaped = key.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return try await connection.call("GET", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/keyImpact?key=\(escaped)")
        }
        switch output {
        case .json:
            try Printer.json(answer)
        case .table:
            for version in answer["versions"]?.array ?? [] {
                let state = version["problem"]?.string ?? (version["isEnabled"]?.bool == true ? "enabled" : "disabled")
                print("\(version["keyUrl"]?.string ?? ""): \(state)\(version["expires"]?.string.map { ", expires \($0)" } ?? "")")
            }
            let affected = answer["value"]?.array ?? []
            guard !affected.isEmpty else { return print("Nothing depends on \(key).") }
            Printer.table(
                ["KIND", "NAME", "GROUP", "VERSION", "EFFECT"],
                affected.map { each in
                    [
                        each["kind"]?.string ?? "", each["name"]?.string ?? "", each["resourceGroup"]?.string ?? "",
                        Printer.version(each["keyUrl"]), each["effect"]?.string ?? "",
                    ]
                })
        }
    }
}
