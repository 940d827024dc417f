import ArgumentParser
import CofferClient
import CofferModel
import Foundation

struct ReencryptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reencrypt",
        abstract: "Bring a disk's data to new data keys, attached or not, while it is in use.",
        discussion: """
            The old data keys are destroyed when all is done. It goes on by itself after a crash of any part, and while the disk is attached
            and detached. `az disk update --encryption-type` does the same where the number of layers changes.
            """
    )

    @OptionGroup var target: DiskTarget

    @Option(help: "At most so many megabytes (10^6 bytes) a second; 0 is no limit. With one in progress: from now on.")
    var rate: Int64?

    @Flag(help: "Let the one in progress rest.")
    var pause = false

    @Flag(help: "Let the one that rests or failed go on.")
    var resume = false

    @Flag(help: "Show how far it is.")
    var status = false

    @Flag(help: "Wait until all is done.")
    var wait = false

    @Option(name: [.short, .long], help: "json or table.")
    var output: OutputFormat = .table

    func validate() throws {
        guard [pause, resume, status].count(where: { $0 }) <= 1 else { throw ValidationError("choose one of --pause, --resume and --status") }
        guard !(pause && wait) else { throw ValidationError("one that is paused never ends: leave --wait out") }
        guard !(status && rate != nil) else { throw ValidationError("--status changes nothing: leave --rate out") }
        guard rate.map({ 0...1_000_000 ~= $0 }) ?? true else { throw ValidationError("--rate is a number of megabytes, up to 1000000") }
    }

    func run() async throws {
        let shown = try await ServerConnection.with(target.data.directory) { connection in
            var shown = try await begin(on: connection)
            while wait, let state = shown["state"]?.string, state != "none" {
                guard state == "running" || state == "waiting" else {
                    throw ValidationError("the re-encryption of \(target.name) is \(state)\(shown["reason"]?.string.map { ": \($0)" } ?? "")")
                }
                try await Task.sleep(for: .milliseconds(500))
                shown = try await target.call("reencryption", body: [:], on: connection)
            }
            return shown
        }
        switch output {
        case .json: try Printer.json(shown)
        case .table: print(sentence(shown))
        }
    }

    private func begin(on connection: ServerConnection) async throws -> JSONValue {
        var body: [String: JSONValue] = [:]
        if let rate { body["bytesPerSecond"] = .int(rate * 1_000_000) }
        if status { return try await target.call("reencryption", body: [:], on: connection) }
        if pause || resume { body["isPaused"] = .bool(pause) }
        if pause || resume { return try await target.call("steerReencryption", body: .object(body), on: connection) }
        if rate != nil {
            let now = try await target.call("reencryption", body: [:], on: connection)
            if now["state"]?.string != "none" { return try await target.call("steerReencryption", body: .object(body), on: connection) }
        }
        return try await target.call("reencrypt", body: .object(body), on: connection)
    }

    private func sentence(_ shown: JSONValue) -> String {
        let state = shown["state"]?.string ?? ""
        guard state != "none" else {
            return "\(target.name) is not being re-encrypted" + (shown["lastReencryption"]?.string.map { "; it was done at \($0)." } ?? ".")
        }
        let done = "\(shown["doneBytes"]?.int ?? 0) of \(shown["sizeBytes"]?.int ?? 0) bytes of \(target.name) are under the new keys"
        let limit = shown["bytesPerSecond"]?.int ?? 0
        return "\(state): \(done)" + (limit > 0 ? ", at most \(limit / 1_000_000) MB a second" : "")
            + (shown["reason"]?.string.map { ": \($0)" } ?? ".")
    }
}
