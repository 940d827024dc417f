import ArgumentParser
import CofferClient
import CofferCore
import CofferCrypto
import CofferModel
import Foundation

struct CertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "certificate",
        abstract: "Write certificates with which QEMU and others open disks over TLS, list them and take them back.",
        subcommands: [IssueCertificateCommand.self, IssueHostCertificateCommand.self, ListCertificatesCommand.self, RevokeCertificateCommand.self],
        defaultSubcommand: IssueCertificateCommand.self
    )
}

struct IssueCertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "issue",
        abstract: "Write a certificate with which QEMU and others open a disk over TLS. Meant where no other word is said.",
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
        let written = try await CertificateFiles.request(into: output) { recipientKey in
            try await ServerConnection.with(target.data.directory) {
                try await target.call("certificate", body: ["recipientKey": .string(recipientKey)], on: $0)
            }
        }
        print("The certificate of \(target.name) is in \(written.directory). Whoever has it can read and write the disk while it is attached.")
        if let uri = written.uri { print("NBD URI:\n  \(uri)?tls-certificates=\(written.directory)") }
        print("To take it back:\n  coffer disk certificate revoke \(written.fingerprint)")
    }
}

struct IssueHostCertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Write a certificate with which a host of virtual machines reaches the storage service over TLS.",
        discussion: """
            For coffer serve --disk-listen on the storage service's machine, and coffer-diskd --role host --storage on the host's. The
            certificate opens the disks that are open for virtual machines, and no others, and holds for 30 days: write a new one into the same
            directory before. The directory has ca-cert.pem, client-cert.pem and client-key.pem.
            """
    )

    @Argument(help: "The host's name.")
    var name: String

    @OptionGroup var data: DataOption

    @Option(help: "The directory to write to. Must not exist yet.")
    var output: String

    func run() async throws {
        let written = try await CertificateFiles.request(into: output) { recipientKey in
            try await ServerConnection.with(data.directory) { connection in
                try await connection.call(
                    "POST", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/hostCertificate",
                    body: ["recipientKey": .string(recipientKey), "host": .string(name)])
            }
        }
        print("The certificate of the host \(name) is in \(written.directory). Whoever has it can read and write the disks of virtual machines that run.")
        if let uri = written.uri { print("For coffer-diskd --role host:\n  --storage '\(uri)?tls-certificates=\(written.directory)'") }
        print("To take it back:\n  coffer disk certificate revoke \(written.fingerprint)")
    }
}

struct ListCertificatesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the certificates for disks over TLS that are good or were taken back.")

    @OptionGroup var data: DataOption

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(data.directory) { connection in
            try await connection.call("GET", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/diskCertificates")
        }
        switch output {
        case .json: try Printer.json(answer)
        case .table:
            Printer.table(
                ["FINGERPRINT", "OPENS", "ISSUED", "EXPIRES", "REVOKED"],
                (answer["value"]?.array ?? []).map { each in
                    [
                        each["fingerprint"]?.string ?? "", each["disk"]?.string.flatMap { $0.split(separator: "/").last.map(String.init) } ?? each["name"]?.string ?? "",
                        each["issued"]?.string ?? "", each["expires"]?.string ?? "", each["revoked"]?.string ?? "",
                    ]
                })
        }
    }
}

struct RevokeCertificateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take certificates for disks over TLS back: they open nothing any more, and their connections end.",
        discussion: """
            Also those of another authority (coffer serve --disk-client-ca). A fingerprint is the SHA-256 of the certificate: coffer disk
            certificate list and openssl x509 -noout -fingerprint -sha256 print it.
            """
    )

    @Argument(help: "Their fingerprints.")
    var fingerprints: [String]

    @OptionGroup var data: DataOption

    func run() async throws {
        try await ServerConnection.with(data.directory) { connection in
            for fingerprint in fingerprints {
                let answer = try await connection.call(
                    "POST", "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/revokeCertificate", body: ["fingerprint": .string(fingerprint)])
                print("\(answer["fingerprint"]?.string ?? fingerprint) is revoked since \(answer["revoked"]?.string ?? "now").")
            }
        }
    }
}

/// A certificate with its key in a directory, as QEMU and libnbd read it.
private struct CertificateFiles {
    /// Absolute.
    let directory: String
    let uri: String?
    let fingerprint: String

    /// Asks for a certificate whose key only this process can open, and writes it.
    ///
    /// - Parameter ask: Given the recipient's key; gives the server's answer.
    static func request(into output: String, _ ask: (String) async throws -> JSONValue) async throws -> CertificateFiles {
        let recipient = HPKEPrivateKey.generate()
        let answer = try await ask(Base64URL.encode(recipient.publicKey))
        guard let name = answer["name"]?.string, let certificate = answer["certificate"]?.string, let authority = answer["authority"]?.string,
            let fingerprint = answer["fingerprint"]?.string, let box = answer["sealedKey"]?.string.flatMap({ Base64URL.decode($0) })
        else { throw ClientError.unexpectedAnswer("certificate without a certificate") }
        let key = try recipient.open(box, info: DiskCertificateKey.purpose, authenticating: Array(name.utf8))
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        let directory = URL(fileURLWithPath: output).path
        try write("\(directory)/ca-cert.pem", authority)
        try write("\(directory)/client-cert.pem", certificate)
        let file = try NewFile(path: "\(directory)/client-key.pem")
        try key.withBytes { try file.write($0) }
        try file.sync()
        return CertificateFiles(directory: directory, uri: answer["nbdsUri"]?.string, fingerprint: fingerprint)
    }

    private static func write(_ path: String, _ text: String) throws {
        let file = try NewFile(path: path)
        let bytes = Array(text.utf8)
        try unsafe file.write(bytes.span.bytes)
        try file.sync()
    }
}
