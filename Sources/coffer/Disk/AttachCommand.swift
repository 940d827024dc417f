import ArgumentParser
import CofferClient
import CofferModel

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Open a disk and print how QEMU and libvirt reach it.",
        discussion: "Attaching a disk that is attached prints the same again."
    )

    @OptionGroup var target: DiskTarget

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(target.data.directory) { try await target.call("attach", on: $0) }
        guard let attachment = DiskAttachment(answer) else { throw ClientError.unexpectedAnswer("attach without an export") }
        switch output {
        case .json:
            var shown: [String: JSONValue] = [
                "nbdUri": .string(attachment.nbdURI),
                "socketPath": .string(attachment.socketPath),
                "exportName": .string(attachment.exportName),
                "qemuArguments": .array(attachment.qemuArguments.map { .string($0) }),
                "libvirtXml": .string(attachment.libvirtXML),
            ]
            if let uri = attachment.secureURI { shown["nbdsUri"] = .string(uri) }
            if let path = attachment.vhostPath { shown["vhostUserPath"] = .string(path) }
            if let arguments = attachment.vhostUserArguments { shown["vhostUserArguments"] = .array(arguments.map { .string($0) }) }
            try Printer.json(.object(shown))
        case .table:
            print("NBD URI:\n  \(attachment.nbdURI)\n")
            if let uri = attachment.secureURI { print("NBD URI over TLS, with a certificate of coffer disk certificate:\n  \(uri)\n") }
            print("QEMU arguments:\n  \(attachment.qemuArguments.joined(separator: " \\\n  "))\n")
            if let arguments = attachment.vhostUserArguments {
                print("QEMU arguments, faster, for a machine whose memory is shared (memory-backend-memfd, share=on):")
                print("  \(arguments.joined(separator: " \\\n  "))\n")
            }
            print("libvirt XML:\n\(attachment.libvirtXML)")
        }
    }
}

struct DetachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach",
        abstract: "Close a disk: sync it, end its connections and wipe its data keys from memory.",
        discussion: "Detaching a disk that is not attached is no error."
    )

    @OptionGroup var target: DiskTarget

    func run() async throws {
        _ = try await ServerConnection.with(target.data.directory) { try await target.call("detach", on: $0) }
        print("\(target.name) is detached.")
    }
}
