import ArgumentParser
import CofferQEMU

/// What QEMU runs for a guest's connection to the metadata service or to the endpoint; not for people.
struct GuestRelayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: GuestRelay.commandName, abstract: "Carry a guest's connection to a socket of this host.", shouldDisplay: false)

    @Option(help: "The path of a Unix socket.")
    var socket: String?

    @Option(help: "A port of the loopback network.")
    var port: UInt16?

    func run() throws {
        let isDone = socket.map { GuestRelay.run(toSocket: $0) } ?? port.map { GuestRelay.run(toPort: $0) } ?? false
        if !isDone { throw ExitCode(69) }
    }
}
