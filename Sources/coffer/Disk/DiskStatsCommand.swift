import ArgumentParser
import CofferClient
import CofferModel

struct DiskStatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what the clients of an attached disk have done since it was opened, and how long it took.",
        discussion: """
            Times are from taking a request to having its answer, without what a limit made wait. P50 is the time that half of the operations
            stayed below, rounded up to a power of two. `--output json` has the whole histogram.
            """
    )

    @OptionGroup var target: DiskTarget

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func run() async throws {
        let answer = try await ServerConnection.with(target.data.directory) { try await target.call("stats", on: $0) }
        switch output {
        case .json:
            try Printer.json(answer)
        case .table:
            let text = { (value: JSONValue?) in value?.int.map(String.init) ?? "-" }
            Printer.table(
                ["OPERATION", "COUNT", "BYTES", "ERRORS", "P50 µs", "P90 µs", "P99 µs", "P99.9 µs"],
                (answer["operations"]?.array ?? []).map { each in
                    [each["kind"]?.string ?? ""]
                        + ["count", "bytes", "errors", "p50Microseconds", "p90Microseconds", "p99Microseconds", "p999Microseconds"].map { text(each[$0]) }
                })
            if answer["operationsPerSecondLimit"] != nil || answer["bytesPerSecondLimit"] != nil {
                print(
                    "limits: \(text(answer["operationsPerSecondLimit"])) operations/s, \(text(answer["bytesPerSecondLimit"])) bytes/s; "
                        + "\(text(answer["delayed"])) operations waited \(text(answer["delayedMicroseconds"])) µs")
            }
        }
    }
}
