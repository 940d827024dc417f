import CRBD
package import CofferBlock
import CofferModel
import Glibc

/// The journal of a disk's re-encryption in an object of its own.
@safe
package final class RBDJournal: JournalStorage {
    private let pool: RBDPool
    private let object: String

    init(_ pool: RBDPool, of disk: DiskID) {
        self.pool = pool
        object = RBDPoolName.journal(of: disk)
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, padsEnd: Bool) throws(BlockError) {
        let count = unsafe coffer_rados_read(pool.io, object, bytes.baseAddress, bytes.count, offset)
        guard count >= 0 else { throw RBDFailure(-count).block }
        guard count < bytes.count else { return }
        guard padsEnd else { throw .system(EIO) }
        unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[Int(count)...]).initializeMemory(as: UInt8.self, repeating: 0)
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        let result = unsafe coffer_rados_write(pool.io, object, bytes.baseAddress, bytes.count, offset)
        guard result >= 0 else { throw RBDFailure(-result).block }
    }

    /// Replaces all of it, or makes it.
    func replace(by bytes: [UInt8]) throws(RBDFailure) {
        try RBDFailure.check(unsafe coffer_rados_write_full(pool.io, object, bytes, bytes.count))
    }

    /// Takes it away, if it is there.
    func remove() throws(RBDFailure) {
        let result = unsafe coffer_rados_remove(pool.io, object)
        if result != -ENOENT { try RBDFailure.check(result) }
    }
}
