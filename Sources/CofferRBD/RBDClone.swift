import CRBD
package import CofferBlock
import CofferModel
import Glibc
import Synchronization

/// A disk's image that is made of a snapshot of another's, which exists already: that is the moment. It shares the other's data, until a
/// chain of them is too long.
package final class RBDClone: DiskCopying {
    private let pool: RBDPool
    private let source: String
    private let target: String
    private let byteCount: UInt64
    private let copied = Atomic<UInt64>(0)

    /// How many images a read may have to ask, one after the other.
    private static let maximumDepth = 8

    init(_ pool: RBDPool, of source: DiskID, to disk: DiskID, byteCount: UInt64) {
        self.pool = pool
        self.source = RBDPoolName.image(of: source)
        target = RBDPoolName.image(of: disk)
        self.byteCount = byteCount
    }

    package var copiedByteCount: UInt64 { copied.load(ordering: .relaxed) }

    package func hold(_ disk: EncryptedDisk) {}

    package func run() throws(BlockError) {
        do throws(RBDFailure) {
            try RBDFailure.check(unsafe coffer_rbd_clone(pool.io, source, target, target))
            if try depth() > Self.maximumDepth { try flatten() }
        } catch {
            throw error.block
        }
        copied.store(byteCount, ordering: .relaxed)
    }

    package func cancel() {}

    private func depth() throws(RBDFailure) -> Int {
        var (depth, next): (Int, String?) = (0, target)
        while let name = next {
            next = try RBDImage(pool, name, .reading).parent()?.image
            depth += 1
        }
        return depth
    }

    private func flatten() throws(RBDFailure) {
        try RBDImage(pool, target, .changing).flatten { share in self.copied.store(UInt64(share * Double(self.byteCount)), ordering: .relaxed) }
        try RBDImage(pool, source, .changing).removeSnapshot(target)
    }
}
