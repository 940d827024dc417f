import ArgumentParser
import CofferClient
import CofferMonitor

/// Where the audit log is read.
struct AuditLogOptions: ParsableArguments {
    @OptionGroup var data: DataOption

    @Option(help: "Read this store itself instead of asking `coffer serve`: sqlite, or the URL of a PostgreSQL database.")
    var store: String?

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    /// Calls `body` with the log.
    func reading<R>(_ body: (any AuditSource) async throws -> R) async throws -> R {
        if let store {
            return try await body(StoreAuditSource(store: try await StoreLocation(store).open(in: data.directory)))
        }
        return try await ServerConnection.with(data.directory) { try await body(ServerAuditSource(connection: $0)) }
    }
}
