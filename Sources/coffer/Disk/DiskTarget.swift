import ArgumentParser
import CofferClient
import CofferModel
import Foundation

/// `NAME -g GROUP --data DIR`: which disk.
struct DiskTarget: ParsableArguments {
    @Argument(help: "The disk's name.")
    var name: String

    @Option(name: [.customShort("g"), .customLong("resource-group")], help: "Its resource group.")
    var group: String

    @OptionGroup var data: DataOption

    /// Calls one of Coffer's own operations on the disk.
    ///
    /// - Parameter type: `disks`, or `snapshots` where the name is one of a snapshot.
    func call(
        _ operation: String, type: String = "disks", body: JSONValue? = nil, on connection: ServerConnection
    ) async throws -> JSONValue {
        let escape = { (text: String) in text.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? "" }
        return try await connection.call(
            "POST",
            "/coffer/v1/subscriptions/\(connection.card.subscriptionID)/resourceGroups/\(escape(group))/\(type)/\(escape(name))/\(operation)",
            body: body
        )
    }
}

/// How a command prints what it found.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case json
    case table
}
