/// One change to the file system, the smallest thing that a crash can fall before or after.
///
/// Everything that this module changes on disk is a sequence of these, so that tests can stop a sequence at any step.
package enum FileStep: Equatable, Sendable {
    /// Makes a directory for the owner alone.
    case makeDirectory(String)
    /// Makes an empty file for the owner alone. Fails if it exists.
    case createFile(String)
    /// Writes these bytes from the start of a file and cuts what is behind them.
    case write(String, [UInt8])
    /// Sets a file's size in bytes; what is new is a hole.
    case setByteCount(String, UInt64)
    /// Puts a file's contents on stable storage.
    case syncFile(String)
    /// Puts a directory's entries on stable storage.
    case syncDirectory(String)
    /// Gives a file or directory another name, replacing a file of that name.
    case rename(String, to: String)
    /// Gives a file or directory another name. Fails if the name is taken.
    case renameNew(String, to: String)
    /// Gives each of two files the other's name, at once. Fails with `EINVAL` where the file system cannot do that.
    case exchange(String, String)
    /// Takes away a file.
    case removeFile(String)
    /// Takes away an empty directory.
    case removeDirectory(String)
}

/// Why the file system refused.
package struct FileError: Error, Equatable, Sendable {
    /// The `errno`.
    package let code: Int32
    /// The file.
    package let path: String
    /// The system's words for the code.
    package let words: String

    package init(code: Int32, path: String, words: String) {
        self.code = code
        self.path = path
        self.words = words
    }

    /// A sentence for people.
    package var sentence: String { "\(path): \(words)" }
}

/// The file system as this module needs it. ``SystemFiles`` is the real one; tests have one that fails and one that forgets
/// what was never synced.
package protocol FileLayer: Sendable {
    /// - Throws: ``FileError`` with the `errno`; then the step may have been done in part.
    func perform(_ step: FileStep) throws(FileError)
    /// A file's bytes.
    ///
    /// - Throws: ``FileError`` with `EFBIG` if there are more than `limit`.
    func read(_ path: String, limit: Int) throws(FileError) -> [UInt8]
    /// The names in a directory, in no order, without `.` and `..`.
    func names(in directory: String) throws(FileError) -> [String]
    /// The size of a regular file in bytes, or nil if there is none.
    func byteCount(of path: String) -> UInt64?
}
