import ArgumentParser
import CofferCore
import CofferModel
import CofferMonitor
import CofferPlatform

struct ShowAuditLogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "List what was done with a vault or a disk, allowed and refused.",
        discussion: "JSON is in the form of Azure's AuditEvent records. Whether the records are genuine, `coffer audit-log verify` says."
    )

    @OptionGroup var log: AuditLogOptions

    @Option(help: "A vault's name.")
    var vault: String?

    @Option(help: "Or the id of a vault or a disk.")
    var resource: String?

    @Option(help: "The first moment, such as 2026-11-23T20:00:00Z or 2026-11-23.", transform: Self.time)
    var from: Timestamp?

    @Option(help: "The first moment after.", transform: Self.time)
    var to: Timestamp?

    func validate() throws {
        guard (resource == nil) != (vault == nil) else { throw ValidationError("give either --vault NAME or --resource ID") }
        guard resource == nil || resource.flatMap({ ResourceID($0) }) != nil else { throw ValidationError("--resource is not a resource id") }
    }

    func run() async throws {
        try await log.reading { source in
            let trail = AuditTrail(source: source)
            var resources = resource.flatMap { ResourceID($0) }.map { [$0] } ?? []
            if let vault { resources = try await source.chains(ofVault: vault).map(\.resource) }
            if log.output == .json { print("{\"records\":[", terminator: "") }
            var rows: [[String]] = []
            var separator = ""
            for resource in resources {
                try await trail.each(of: resource, from: from, to: to) { entry in
                    let event = entry.event
                    switch log.output {
                    case .json:
                        print(separator + String(decoding: try JSON.encode(AuditEventResource(event)), as: UTF8.self), terminator: "")
                        separator = ",\n"
                    case .table:
                        rows.append([
                            event.time.description, event.operation, String(event.status), event.callerObjectID ?? "", event.callerAddress,
                            event.object ?? "",
                        ])
                    }
                    return true
                }
            }
            switch log.output {
            case .json: print("]}")
            case .table: Printer.table(["TIME", "OPERATION", "STATUS", "CALLER", "ADDRESS", "OBJECT"], rows)
            }
        }
    }

    private static func time(_ text: String) throws -> Timestamp {
        guard let time = AuditTime.parse(text) else { throw ValidationError("'\(text)' is not a time such as 2026-11-23T20:00:00Z") }
        return time
    }
}
