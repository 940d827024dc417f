import FoundationEssentials
import Glibc

/// Changes of files that are on the disk when they return.
enum CatalogueFiles {
    /// Makes a directory and those above it, each of them synced into the one that holds it.
    static func makeDirectories(_ path: String) throws(CatalogueError) {
        var status = stat()
        if unsafe stat(path, &status) == 0 { return }
        let above = parent(of: path)
        if above != path { try makeDirectories(above) }
        guard unsafe mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure("\(path) cannot be made") }
        try sync(above)
    }

    /// Writes a new file.
    static func write(_ bytes: [UInt8], to path: String) throws(CatalogueError) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw failure("\(path) cannot be written") }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw failure("\(path) cannot be written") }
            written += count
        }
        guard fsync(file) == 0 else { throw failure("\(path) cannot be synced") }
    }

    /// Brings a file or directory to the disk.
    static func sync(_ path: String) throws(CatalogueError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("\(path) cannot be opened") }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("\(path) cannot be synced") }
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func failure(_ what: String) -> CatalogueError {
        .system("\(what): \(unsafe String(cString: strerror(errno)))")
    }
}
