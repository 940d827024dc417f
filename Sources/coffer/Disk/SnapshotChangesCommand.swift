import ArgumentParser
import CofferClient
import CofferModel

struct SnapshotChangesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List the ranges in which a snapshot differs from an earlier one of the same disk.",
        discussion: "NAME is a snapshot. The ranges are in bytes of the disk, in whole sectors of 4096 bytes."
    )

    @OptionGroup var target: DiskTarget

    @Option(help: "The earlier snapshot's name, in the same resource group.")
    var since: String

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(target.data.directory) { connection in
            let base = ResourceID(
                subscription: connection.card.subscriptionID, group: target.group, namespace: "Microsoft.Compute", type: "snapshots", name: since)
            return try await target.call("changes", type: "snapshots", body: ["since": .string(base.text)], on: connection)
        }
        switch output {
        case .json:
            try Printer.json(answer)
        case .table:
            Printer.table(
                ["OFFSET", "LENGTH"],
                (answer["changes"]?.array ?? []).map { [$0["offset"]?.int.map(String.init) ?? "", $0["length"]?.int.map(String.init) ?? ""] })
        }
    }
}
