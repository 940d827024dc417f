import CofferCore
import CofferTesting
import Foundation

/// A file system whose files can share blocks, XFS in a file, which only root can mount.
final class SharingFileSystem {
    let path: String
    private let image: String

    init?() {
        let base = NSTemporaryDirectory() + "coffer-xfs-\(UUID().uuidString)"
        (path, image) = (base, base + ".img")
        let isMade = unsafe FileManager.default.createFile(atPath: image, contents: nil) && truncate(image, 512 << 20) == 0
            && mkdir(path, 0o700) == 0 && Self.run("mkfs.xfs", "-q", image) && Self.run("mount", "-o", "loop", image, path)
        guard isMade else {
            clear()
            return nil
        }
    }

    deinit {
        _ = Self.run("umount", "-l", path)
        clear()
    }

    static let isAvailable = SharingFileSystem() != nil

    /// Free bytes once everything that was written is on the disk.
    func freeByteCount() -> UInt64 {
        _ = Self.run("sync", "-f", path)
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return 0 }
        return UInt64(status.f_bfree) * UInt64(status.f_frsize)
    }

    private func clear() {
        unsafe rmdir(path)
        unsafe unlink(image)
    }

    private static func run(_ words: String...) -> Bool {
        (try? ToolProcess.run(["env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + words).status) == 0
    }
}
