import ArgumentParser
import CofferClient
import CofferModel
import CofferPlatform
import Foundation

/// `coffer host`.
struct HostCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "What this host does for virtual machines.", subcommands: [ShowHostCommand.self])
}

struct ShowHostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show how the processors of virtual machines are run here, KVM or translation (TCG), and why.",
        discussion: "It is what the last `coffer serve` found. `coffer serve --probe-accelerator` finds it out anew."
    )

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let path = data.directory.accelerationPath
        guard let bytes = FileManager.default.contents(atPath: path), let found = try? JSON.decode(MachineAcceleration.self, from: Array(bytes)) else {
            throw ValidationError("\(path) cannot be read: no server has been started with this data directory. Start one: coffer serve --data DIR")
        }
        switch output {
        case .json: try Printer.json(["accelerator": .string(found.kind.rawValue), "reason": .string(found.reason)])
        case .table: Printer.table(["ACCELERATOR", "REASON"], [[found.kind.rawValue, found.reason]])
        }
    }
}
