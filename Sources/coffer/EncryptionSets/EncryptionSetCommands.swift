import ArgumentParser
import CofferClient
import CofferModel

struct EncryptionSetCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disk-encryption-set", abstract: "See how far the rotation of a set's key is.",
        subcommands: [EncryptionSetStatusCommand.self])
}

struct EncryptionSetStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show a set's keys, how many of its disks, snapshots and images are re-wrapped, and which old versions are still needed.",
        discussion: "NAME is a disk encryption set. An old version can be disabled once it is not listed any more."
    )

    @OptionGroup var target: DiskTarget

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let set = try await ServerConnection.with(target.data.directory) {
            try await target.call("status", type: "diskEncryptionSets", on: $0)
        }
        switch output {
        case .json:
            try Printer.json(set)
        case .table:
            var rows = [
                ["name", set["name"]?.string ?? ""], ["active key", set["activeKeyUrl"]?.string ?? ""],
                ["automatic rotation", set["rotationToLatestKeyVersionEnabled"]?.bool == true ? "on" : "off"],
                ["re-wrapped", "\(set["rewrapped"]?.int ?? 0) of \(set["holders"]?.int ?? 0)"],
                ["last rotation", set["lastKeyRotationTimestamp"]?.string ?? "never"],
            ]
            for key in set["previousKeyUrls"]?.array ?? [] { rows.append(["rotating from", key.string ?? ""]) }
            for key in set["oldVersions"]?.array ?? [] {
                rows.append(["still needed", "\(key["keyUrl"]?.string ?? "") by \(key["holders"]?.int ?? 0)"])
            }
            if let error = set["autoKeyRotationError"]?["message"]?.string { rows.append(["error", error]) }
            Printer.table(nil, rows)
        }
    }
}
