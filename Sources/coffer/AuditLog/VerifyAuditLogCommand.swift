import ArgumentParser
import CofferClient
import CofferCrypto
import CofferModel
import CofferMonitor
import Foundation

struct VerifyAuditLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check the audit log's hash chains and signatures.",
        discussion: """
            Reads every record and computes all hashes itself: neither the server nor the database is believed. The signatures are checked
            with the public key in DATA/audit-key.pem; keep a copy of it where nobody who runs Coffer can write, and give it with --key.
            Records behind the last signature (at most a minute's) can still be cut off without a trace in the store. Whoever keeps what
            `verify --output json` prints can give it to a later run with --witness, and then nothing of it can be cut off or rewritten.
            Exit code 1: something was found. docs/formats/audit-log.md says precisely what is detected.
            """
    )

    @OptionGroup var log: AuditLogOptions

    @Option(help: "Check the log of this vault.")
    var vault: String?

    @Flag(help: "Check the logs of all vaults and disks.")
    var all = false

    @Option(help: "The installation's public key, PEM (default: DATA/audit-key.pem).")
    var key: String?

    @Option(help: "What an earlier run printed as JSON.")
    var witness: String?

    func validate() throws {
        guard all != (vault != nil) else { throw ValidationError("give either --vault NAME or --all") }
    }

    func run() async throws {
        let key = try Self.publicKey(at: key ?? log.data.directory.auditKeyPath)
        let witnesses = try witness.map(Self.witnesses) ?? []
        let reports = try await log.reading { source in
            let verification = AuditVerification(source: source, keys: [key], witnesses: witnesses)
            guard let vault else { return try await verification.verifyAll() }
            let reports = try await verification.verify(vault: vault)
            guard !reports.isEmpty else {
                throw ValidationError("there is no audit log of a vault '\(vault)': nothing was ever done with it, or all of it was removed")
            }
            return reports
        }
        switch log.output {
        case .json: print(String(decoding: try JSON.encode(reports), as: UTF8.self))
        case .table:
            Printer.table(
                ["RESOURCE", "RECORDS", "SIGNED", "RESULT"],
                reports.map { [$0.resource.typeAndName, String($0.count), String($0.signedCount), $0.holds ? "holds" : "TAMPERED"] }
            )
            for report in reports {
                for finding in report.findings { print("\(report.resource.typeAndName): \(finding.sentence)") }
            }
        }
        guard reports.allSatisfy(\.holds) else { throw ExitCode(1) }
    }

    private static func publicKey(at path: String) throws -> Ed25519PublicKey {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw ClientError.notReadable(path) }
        guard let key = try? Ed25519PublicKey(pem: String(decoding: bytes, as: UTF8.self)) else {
            throw ValidationError("\(path) is not a public key of Coffer's audit log: it must be an Ed25519 key as PEM")
        }
        return key
    }

    private static func witnesses(at path: String) throws -> [AuditWitness] {
        guard let bytes = FileManager.default.contents(atPath: path) else { throw ClientError.notReadable(path) }
        guard let witnesses = try? JSON.decode([AuditWitness].self, from: Array(bytes)) else {
            throw ValidationError("\(path) is not what `coffer audit-log verify --output json` prints")
        }
        return witnesses
    }
}
