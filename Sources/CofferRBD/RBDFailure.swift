import CofferBlock
import CofferDiskFormat
import Glibc

/// Why Ceph did not do something.
package struct RBDFailure: Error, Equatable, Sendable {
    /// The `errno`.
    package let code: Int32
    /// A sentence for people, with what to do where something can be done.
    package let words: String

    init(_ code: Int32, _ words: String? = nil) {
        self.code = code
        self.words = words ?? Self.words(of: code)
    }

    private static func words(of code: Int32) -> String {
        switch code {
        case ETIMEDOUT: "the Ceph cluster did not answer in time: look at `ceph status`"
        case ESHUTDOWN: "the Ceph cluster refuses this process: another coffer-diskd has taken over its disks, or an operator put it on the blocklist"
        case EROFS: "another program has the image open for writing"
        case EPERM, EACCES: "the Ceph user may not do that: it needs the capabilities mon 'profile rbd' and osd 'profile rbd' for the pool"
        default: unsafe String(cString: strerror(code))
        }
    }

    /// For the shelf's callers.
    func format(at place: String) -> DiskFormatError { .file(FileError(code: code, path: place, words: words)) }

    /// For I/O's callers.
    var block: BlockError {
        switch code {
        case ENOSPC, EDQUOT: .noSpace
        default: .refused(words)
        }
    }

    /// - Throws: ``RBDFailure`` if `result` is a negative `errno`.
    static func check(_ result: Int32) throws(RBDFailure) {
        guard result >= 0 else { throw RBDFailure(-result) }
    }
}
