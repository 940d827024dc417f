/// Why a client of an export did not get what it asked for.
package enum NBDFailure: Error, Equatable, Sendable {
    /// There is no connection, or none any more; whether a command was done is unknown. The text says what happened.
    case connection(String)
    /// The server refuses the export, in its own words, which may be none.
    case refused(String)
    /// The server could not do a command: one of ``NBDError``'s values or another errno.
    case command(UInt32)
    /// Whoever answers speaks something else; the connection is of no use any more.
    case malformed
    /// The range is not within the export, or too long for one command.
    case badRange

    /// Whether the connection can be used on.
    package var isOfCommand: Bool {
        switch self {
        case .command, .badRange: true
        case .connection, .refused, .malformed: false
        }
    }
}
