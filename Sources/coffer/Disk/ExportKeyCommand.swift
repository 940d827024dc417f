import ArgumentParser
import CofferClient
import CofferCore
import CofferCrypto
import CofferModel

struct ExportKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-key",
        abstract: "Write a disk's data key to a file, for disaster recovery without Coffer.",
        discussion: """
            Needs the role "Coffer Disk Recovery Operator" on the disk, which nobody has until it is assigned, and is always audited.
            The file (mode 0600) holds 64 bytes for each layer, layer 0, the one next to the guest, first. With one layer:

              cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 512 --sector-size 4096 --iv-large-sectors \\
                --key-file FILE DATA NAME

            Ranges that were never written read as zeros in Coffer but not there; --holes writes them to a file.
            docs/recovery.md has the whole procedure.
            """
    )

    @OptionGroup var target: DiskTarget

    @Option(help: "Where to write the key. Must not exist yet.")
    var output: String

    @Option(help: "Where to write the holes: a line 'offset length' in bytes for each. Must not exist yet.")
    var holes: String?

    func run() async throws {
        let recipient = HPKEPrivateKey.generate()
        let publicKey = Base64URL.encode(recipient.publicKey)
        let (answer, holeList) = try await ServerConnection.with(target.data.directory) { connection in
            let answer = try await target.call("exportKey", body: ["recipientKey": .string(publicKey)], on: connection)
            let holeList = holes == nil ? JSONValue.null : try await target.call("holes", on: connection)
            return (answer, holeList)
        }
        guard let id = answer["disk"]?.string.flatMap({ DiskID($0) }), let layers = answer["layers"]?.array, !layers.isEmpty else {
            throw ClientError.unexpectedAnswer("exportKey without layers")
        }
        let file = try NewFile(path: output)
        for (index, layer) in layers.enumerated() {
            guard let box = layer["sealedKey"]?.string.flatMap({ Base64URL.decode($0) }) else {
                throw ClientError.unexpectedAnswer("a layer without sealedKey")
            }
            let key = try recipient.open(box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: id, layer: index))
            try key.withBytes { try file.write($0) }
        }
        try file.sync()
        if let holes, let list = holeList["holes"]?.array {
            let text = list.map { "\($0["offset"]?.int ?? 0) \($0["length"]?.int ?? 0)\n" }.joined()
            let file = try NewFile(path: holes)
            let bytes = Array(text.utf8)
            try unsafe file.write(bytes.span.bytes)
            try file.sync()
        }
        print("The data key of \(target.name) (\(layers.count) layer\(layers.count == 1 ? "" : "s")) is in \(output). Whoever has it can read the disk.")
    }
}
