import FoundationEssentials
import Glibc

/// A place in the catalogue's directory where an image is made, out of the sight of readers until it is published.
///
/// A lock on the directory shows that its maker lives; what has none is swept away by the next one.
package final class ImageStage: Sendable {
    /// The directory. The disk is to be ``diskPath``.
    package let path: String
    private let lock: Int32

    package var diskPath: String { "\(path)/\(ImageCatalogue.diskName)" }

    init(in directory: String) throws(CatalogueError) {
        try CatalogueFiles.makeDirectories(directory)
        // Nobody sweeps while this one is not locked yet.
        let turn = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard turn >= 0, flock(turn, LOCK_EX) == 0 else { throw .system("\(directory) cannot be locked: \(unsafe String(cString: strerror(errno)))") }
        defer { close(turn) }
        Self.removeUnfinished(in: directory)
        path = "\(directory)/\(ImageCatalogue.unfinishedPrefix)\(UUID().uuidString.lowercased())"
        guard unsafe mkdir(path, 0o755) == 0 else { throw .system("\(path) cannot be made: \(unsafe String(cString: strerror(errno)))") }
        lock = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 else { throw .system("\(path) cannot be locked: \(unsafe String(cString: strerror(errno)))") }
    }

    deinit {
        // What was published has another path by now.
        abandon()
        close(lock)
    }

    /// Removes what was made so far.
    package func abandon() {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Removes what makers left that are gone.
    static func sweep(_ directory: String) {
        let turn = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard turn >= 0 else { return }
        defer { close(turn) }
        if flock(turn, LOCK_EX) == 0 { removeUnfinished(in: directory) }
    }

    private static func removeUnfinished(in directory: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where name.hasPrefix(ImageCatalogue.unfinishedPrefix) {
            let path = "\(directory)/\(name)"
            let file = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else { continue }
            defer { close(file) }
            if flock(file, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(atPath: path) }
        }
    }
}
