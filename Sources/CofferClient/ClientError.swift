import CofferModel

/// Why a client's call did not succeed; the description is for people.
package enum ClientError: Error, CustomStringConvertible {
    case noInstallation(String)
    case notReadable(String)
    case unreachable(authority: String, cause: String)
    /// The server refused; its own words.
    case refused(status: Int, code: String, message: String)
    case unexpectedAnswer(String)

    package var description: String {
        switch self {
        case .noInstallation(let path):
            "\(path) is not a Coffer data directory yet: run `coffer serve --data \(path)` first."
        case .notReadable(let path):
            "\(path) cannot be read: run this as the user that runs `coffer serve`."
        case .unreachable(let authority, let cause):
            "Coffer does not answer at \(authority) (\(cause)): is `coffer serve` running?"
        case .refused(_, let code, let message):
            "\(code): \(message)"
        case .unexpectedAnswer(let what):
            "Coffer answered something that this version does not understand: \(what)"
        }
    }
}
