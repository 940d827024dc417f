import Glibc

/// Why the root key cannot be had.
package enum RootKeyError: Error, Equatable, Sendable {
    case missing(String)
    case notAFile(String)
    /// It is not as long as a root key, in bytes.
    case wrongSize(String, Int)
    /// Its mode lets the group or the world in.
    case readableByOthers(String, mode: UInt32)
    /// The operating system refused: what was tried, on which path, and `errno`.
    case system(String, String, Int32)
}

extension RootKeyError: CustomStringConvertible {
    /// A sentence for the operator that says what to do.
    package var description: String {
        switch self {
        case .missing(let path):
            "there is no root key at \(path); restore it from the backup, for without it nothing in the database can be opened"
        case .notAFile(let path):
            "\(path) is not a regular file"
        case .wrongSize(let path, let count):
            "\(path) has \(count) bytes, a root key has \(FileRootKey.count); restore it from the backup"
        case .readableByOthers(let path, let mode):
            "\(path) has the mode 0\(String(mode, radix: 8)), so others may read it; make it yours alone with: chmod 600 \(path)"
        case .system(let action, let path, let code):
            "cannot \(action) \(path): \(unsafe String(cString: strerror(code)))"
        }
    }
}
