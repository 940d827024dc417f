package import CofferCore
package import CofferPlatform

/// Why the root key cannot be had.
package enum RootKeyError: Error, Equatable, Sendable {
    case missing(String)
    /// It is not as long as a root key, in bytes.
    case wrongSize(String, Int)
    /// Its file cannot be read or written, or others may read it.
    case file(PrivateFileError)
    /// The file at this path is not what Coffer writes there.
    case malformed(String)
    /// The key in the token that the file names did not wrap what is in the file.
    case notOfThisToken(String)
    /// The token holds no such key, or cannot be used.
    case token(TokenError)

    init(_ error: PrivateFileError) {
        switch error {
        case .missing(let path): self = .missing(path)
        case .tooLong(let path, let count): self = .wrongSize(path, count)
        default: self = .file(error)
        }
    }
}

extension RootKeyError: CustomStringConvertible {
    /// A sentence for the operator that says what to do.
    package var description: String {
        switch self {
        case .missing(let path):
            "there is no root key at \(path); restore it from the backup, for without it nothing in the database can be opened"
        case .wrongSize(let path, let count):
            "\(path) has \(count) bytes, a root key has \(FileRootKey.count); restore it from the backup"
        case .file(let error):
            error.description
        case .malformed(let path):
            "\(path) does not hold a root key wrapped by a token; restore it from the backup"
        case .notOfThisToken(let path):
            "the token's key does not open \(path): it was wrapped by another key, or is damaged; restore it from the backup"
        case .token(let error):
            "the root key is wrapped by a key in the token, and without it nothing in the database can be opened: \(error.description)"
        }
    }
}
