import ArgumentParser
import CofferClient
import CofferModel

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "List disks, snapshots and images with their encryption, key and version in use, and last re-wrap.",
        discussion: """
            Versions of keys that are not active any more and that something still depends on follow the list: they must not be disabled
            yet. `coffer disk-encryption-set status` shows how far their rotation is.
            """
    )

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(data.directory) { connection in
            try await connection.call("GET", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/dataKeys")
        }
        switch output {
        case .json:
            try Printer.json(answer)
        case .table:
            Printer.table(
                ["KIND", "NAME", "GROUP", "ENCRYPTION", "KEY", "LAST RE-WRAP", "OLD VERSION"],
                (answer["value"]?.array ?? []).map { each in
                    [
                        each["kind"]?.string ?? "", each["name"]?.string ?? "", each["resourceGroup"]?.string ?? "",
                        each["encryptionType"]?.string ?? "", (each["keys"]?.array ?? []).map { Printer.version($0) }.joined(separator: " + "),
                        each["lastRewrap"]?.string ?? "never", each["needsOldVersion"]?.bool == true ? "yes" : "no",
                    ]
                })
            for version in answer["oldVersions"]?.array ?? [] {
                print("still needed: \(version["keyUrl"]?.string ?? "") by \(version["holders"]?.int ?? 0)")
            }
        }
    }
}
