import ArgumentParser
import CofferClient
import CofferModel

struct ListDisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List all disks with their state, encryption and keys.",
        discussion: "Directories that hold no disk that can be read are named with the reason."
    )

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(data.directory) { connection in
            try await connection.call("GET", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/disks")
        }
        switch output {
        case .json:
            try Printer.json(answer)
        case .table:
            Printer.table(
                ["NAME", "GROUP", "STATE", "SIZE", "ENCRYPTION", "GENERATION", "KEYS"],
                (answer["value"]?.array ?? []).map { disk in
                    [
                        disk["name"]?.string ?? "", disk["resourceGroup"]?.string ?? "", disk["state"]?.string ?? "",
                        Printer.size(disk["sizeBytes"]?.int), disk["encryptionType"]?.string ?? "",
                        disk["generation"]?.int.map(String.init) ?? "", Printer.keys(of: disk),
                    ]
                }
            )
            for refused in answer["refused"]?.array ?? [] {
                print("refused: \(refused["path"]?.string ?? ""): \(refused["reason"]?.string ?? "")")
            }
        }
    }
}

struct InspectDiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show one disk: state, size, encryption, generation, and key and version of each layer."
    )

    @OptionGroup var target: DiskTarget

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let disk = try await ServerConnection.with(target.data.directory) { try await target.call("inspect", on: $0) }
        switch output {
        case .json:
            try Printer.json(disk)
        case .table:
            var rows = [
                ["name", disk["name"]?.string ?? ""], ["id", disk["id"]?.string ?? ""], ["state", disk["state"]?.string ?? ""],
                ["size", Printer.size(disk["sizeBytes"]?.int)], ["encryption", disk["encryptionType"]?.string ?? ""],
                ["generation", disk["generation"]?.int.map(String.init) ?? ""],
                ["header", disk["headerPath"]?.string ?? ""], ["data", disk["dataPath"]?.string ?? ""],
            ]
            if let reason = disk["reason"]?.string { rows.append(["reason", reason]) }
            for layer in disk["layers"]?.array ?? [] {
                let index = layer["index"]?.int.map(String.init) ?? ""
                rows.append(["layer \(index) key", layer["keyId"]?.string ?? ""])
                rows.append(["layer \(index) version", layer["keyVersion"]?.string ?? ""])
                rows.append(["layer \(index) wrap", layer["algorithm"]?.string ?? ""])
            }
            Printer.table(nil, rows)
        }
    }
}
