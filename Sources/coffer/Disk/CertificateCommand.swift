import ArgumentParser
import CofferClient
import CofferCore
import CofferCrypto
import CofferModel
import Foundation

struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Write a certificate with which QEMU and others open a disk over TLS.",
        discussion: """
            For coffer serve --disk-listen. The certificate opens this disk alone, while it is attached, and holds for 30 days. The directory
            has ca-cert.pem, client-cert.pem and client-key.pem, as qemu's tls-creds-x509 and libnbd's tls-certificates read them. Whoever has
            it can read and write the disk.
            """
    )

    @OptionGroup var target: DiskTarget

    @Option(help: "The directory to write to. Must not exist yet.")
    var output: String

    func run() async throws {
        let recipient = HPKEPrivateKey.generate()
        let publicKey = Base64URL.encode(recipient.publicKey)
        let answer = try await ServerConnection.with(target.data.directory) {
            try await target.call("certificate", body: ["recipientKey": .string(publicKey)], on: $0)
        }
        guard let disk = answer["disk"]?.string, let certificate = answer["certificate"]?.string, let authority = answer["authority"]?.string,
            let box = answer["sealedKey"]?.string.flatMap({ Base64URL.decode($0) })
        else { throw ClientError.unexpectedAnswer("certificate without a certificate") }
        let key = try recipient.open(box, info: DiskCertificateKey.purpose, authenticating: Array(disk.utf8))
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let directory = URL(fileURLWithPath: output).path
        try write("\(directory)/ca-cert.pem", authority)
        try write("\(directory)/client-cert.pem", certificate)
        let file = try NewFile(path: "\(directory)/client-key.pem")
        try key.withBytes { try file.write($0) }
        try file.sync()
        print("The certificate of \(target.name) is in \(directory). Whoever has it can read and write the disk while it is attached.")
        if let uri = answer["nbdsUri"]?.string { print("NBD URI:\n  \(uri)?tls-certificates=\(directory)") }
    }

    private func write(_ path: String, _ text: String) throws {
        let file = try NewFile(path: path)
        let bytes = Array(text.utf8)
        try unsafe file.write(bytes.span.bytes)
        try file.sync()
    }
}
