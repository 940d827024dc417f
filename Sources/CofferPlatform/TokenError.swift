/// Why a token did not do what it was asked. The descriptions are for operators; no case carries anything of a key, a PIN or a
/// message.
package enum TokenError: Error, Equatable, Sendable {
    /// The PKCS #11 module cannot be loaded: its path and why.
    case module(String, String)
    /// No token has this label; those that there are.
    case noToken(String, others: [String])
    /// The file at this path holds no PIN.
    case emptyPIN(String)
    /// The token of this label does not take the PIN; `name` is PKCS #11's for the reason.
    case pinRefused(String, name: String)
    /// There is no such key in the token.
    case noKey(TokenKeyID)
    /// There is a key of this id already.
    case keyExists(TokenKeyID)
    /// Ciphertext, tag and key do not belong together, or the input has a length that the operation does not take.
    case inputRefused
    /// The token cannot do this: what, and PKCS #11's name for the reason.
    case notSupported(String, name: String)
    /// The token failed: what was tried, and PKCS #11's name for the reason.
    case failed(String, name: String)
}

extension TokenError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .module(let path, let reason):
            "the PKCS #11 module \(path) cannot be used: \(reason)"
        case .noToken(let label, let others):
            "the PKCS #11 module has no token with the label '\(label)'; "
                + (others.isEmpty ? "it has none at all" : "it has: " + others.map { "'\($0)'" }.joined(separator: ", "))
        case .emptyPIN(let path):
            "\(path) is empty: write the token's PIN into it, on one line"
        case .pinRefused(let label, let name):
            "the token '\(label)' does not accept the PIN (\(name)); it is not tried again, because tokens lock themselves after a few wrong ones"
        case .noKey(let id):
            "the token holds no key with the id \(id.hex)"
        case .keyExists(let id):
            "the token holds a key with the id \(id.hex) already"
        case .inputRefused:
            "the token refused the input"
        case .notSupported(let action, let name):
            "the token cannot \(action) (\(name))"
        case .failed(let action, let name):
            "the token could not \(action) (\(name))"
        }
    }
}
