import ArgumentParser
import CofferClient
import CofferModel
import Foundation

struct UnmanagedDiskCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unmanaged-disk",
        abstract: "Disks from before there were managed ones, which nothing encrypts at rest.",
        discussion: """
            Import one, make a virtual machine with it (its storageProfile.osDisk has `vhd.uri` and the createOption Attach), and convert the
            machine with `az vm convert`: its disks are then managed ones, encrypted where they lie.
            """,
        subcommands: [ImportUnmanagedDiskCommand.self, ListUnmanagedDisksCommand.self, DeleteUnmanagedDiskCommand.self])

    static let apiVersion = "2024-03-02"

    /// The path of an unmanaged disk, or of all of them.
    static func path(_ target: DiskTarget? = nil, on connection: ServerConnection) -> String {
        let subscription = "/subscriptions/\(connection.card.subscriptionID)"
        let type = "providers/Microsoft.Compute/unmanagedDisks"
        guard let target else { return "\(subscription)/\(type)?api-version=\(apiVersion)" }
        let escape = { (text: String) in text.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? "" }
        return "\(subscription)/resourceGroups/\(escape(target.group))/\(type)/\(escape(target.name))?api-version=\(apiVersion)"
    }
}

struct ImportUnmanagedDiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Import a disk as it is, without encryption, from a raw, VHD, VHDX, qcow2 or VMDK file.")

    @OptionGroup var target: DiskTarget

    @Option(help: "The file, in the server's import directory.")
    var source: String

    @Option(help: "Linux or Windows, if it is a disk that a machine starts from.")
    var osType: String?

    @Option(help: "The region; the installation's by default.")
    var location: String?

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let disk = try await ServerConnection.with(target.data.directory) { connection in
            let path = UnmanagedDiskCommands.path(target, on: connection)
            var properties: [String: JSONValue] = ["sourceUri": .string(source)]
            properties["osType"] = osType.map(JSONValue.string)
            var body: [String: JSONValue] = ["properties": .object(properties)]
            body["location"] = location.map(JSONValue.string)
            var shown = try await connection.call("PUT", path, body: .object(body))
            while shown["properties"]?["provisioningState"] == "Creating" {
                try await Task.sleep(for: .milliseconds(300))
                shown = try await connection.call("GET", path)
            }
            return shown
        }
        guard disk["properties"]?["provisioningState"] == "Succeeded" else {
            throw ValidationError("\(target.name) could not be imported: \(disk["properties"]?["reason"]?.string ?? "")")
        }
        switch output {
        case .json: try Printer.json(disk)
        case .table: print(disk["properties"]?["uri"]?.string ?? "")
        }
    }
}

struct ListUnmanagedDisksCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List unmanaged disks with their URLs.")

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(data.directory) { connection in
            try await connection.call("GET", UnmanagedDiskCommands.path(on: connection))
        }
        switch output {
        case .json: try Printer.json(answer)
        case .table:
            Printer.table(
                ["NAME", "STATE", "SIZE", "MACHINE", "URL"],
                (answer["value"]?.array ?? []).map { disk in
                    let properties = disk["properties"]
                    return [
                        disk["name"]?.string ?? "", properties?["provisioningState"]?.string ?? "", Printer.size(properties?["diskSizeBytes"]?.int),
                        disk["managedBy"]?.string?.split(separator: "/").last.map(String.init) ?? "", properties?["uri"]?.string ?? "",
                    ]
                })
        }
    }
}

struct DeleteUnmanagedDiskCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an unmanaged disk that no machine has.")

    @OptionGroup var target: DiskTarget

    func run() async throws {
        _ = try await ServerConnection.with(target.data.directory) { connection in
            try await connection.call("DELETE", UnmanagedDiskCommands.path(target, on: connection))
        }
    }
}
