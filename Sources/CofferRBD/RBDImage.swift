import CRBD
package import CofferBlock
import CofferDiskFormat
import CofferModel
import Glibc
import Synchronization

/// An open RBD image with a disk's ciphertext, or a snapshot of one. What a write, a hole or zeros have changed is stable when the call
/// returns.
@safe
package final class RBDImage: DiskStorage, @unchecked Sendable {
    // SAFETY: `handle` is changed only under `turn` held alone; librbd is made to be called from many threads.
    let name: String
    private let pool: RBDPool
    private var handle: UnsafeMutableRawPointer?
    private let turn = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
    private let holes = Atomic<UInt64>(0)

    /// How a program opens an image.
    enum Mode {
        case reading
        /// For changes of the image as a whole, which wait for nobody.
        case changing
        /// For I/O: nobody else writes to the image, or changes it, as long as it is open.
        case writing
    }

    /// - Throws: ``RBDFailure``, with `ENOENT` if there is none; with `EBUSY` if another program writes to it.
    init(_ pool: RBDPool, _ name: String, snapshot: String? = nil, _ mode: Mode) throws(RBDFailure) {
        self.pool = pool
        self.name = name
        var opened: UnsafeMutableRawPointer?
        try RBDFailure.check(unsafe coffer_rbd_open(pool.io, name, snapshot, mode == .reading ? 1 : 0, &opened))
        unsafe handle = opened
        unsafe pthread_rwlock_init(turn, nil)
        guard mode == .writing else { return }
        let locked = unsafe coffer_rbd_lock(opened)
        guard locked == 0 else {
            throw -locked == EROFS ? RBDFailure(EBUSY, "another program has the image open for writing\(owner.map { ", at \($0)" } ?? "")") : RBDFailure(-locked)
        }
    }

    deinit {
        close()
        unsafe pthread_rwlock_destroy(turn)
        unsafe turn.deallocate()
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        try unsafe block { unsafe coffer_rbd_read($0, bytes.baseAddress, bytes.count, offset) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        try unsafe block { unsafe coffer_rbd_write($0, bytes.baseAddress, bytes.count, offset) }
    }

    package func sync() throws(BlockError) {
        try unsafe block { unsafe coffer_rbd_flush($0) }
    }

    package func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try unsafe block { unsafe coffer_rbd_zero($0, offset, count, 0) }
        holes.add(1, ordering: .relaxed)
        return true
    }

    package func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try unsafe block { unsafe coffer_rbd_zero($0, offset, count, 1) }
        holes.add(1, ordering: .relaxed)
        return true
    }

    package var holeCount: UInt64 { holes.load(ordering: .relaxed) }

    /// Each call is a round trip, and each write waits for stable storage.
    package var pieceByteCount: Int { 1 << 20 }

    package func prefetch(_ offset: UInt64, _ count: UInt64) {}

    /// Counts whole objects, of 4 MiB unless the pool is set up otherwise, and not what comes from an image that this one is made of.
    package func allocatedByteCount() -> UInt64 {
        guard let byteCount = try? size(), let found = try? written(0, byteCount, withParents: false, whole: true) else { return 0 }
        return found.reduce(0) { $0 + $1.length }
    }

    /// Gives the image up, once calls in progress have ended.
    package func close() {
        unsafe pthread_rwlock_wrlock(turn)
        defer { unsafe pthread_rwlock_unlock(turn) }
        guard let open = unsafe handle else { return }
        unsafe handle = nil
        unsafe coffer_rbd_close(open)
    }

    // MARK: The image as a whole

    /// Whether it was not given up yet.
    var isOpen: Bool { (try? unsafe use { _ in 0 }) != nil }

    /// In bytes.
    func size() throws(RBDFailure) -> UInt64 {
        var size: UInt64 = 0
        try unsafe use { unsafe coffer_rbd_size($0, &size) }
        return size
    }

    func resize(to byteCount: UInt64) throws(RBDFailure) { try unsafe use { unsafe coffer_rbd_resize($0, byteCount) } }

    func makeSnapshot(_ name: String) throws(RBDFailure) { try unsafe use { unsafe coffer_rbd_make_snapshot($0, name) } }

    /// The names of its snapshots, the oldest first.
    func snapshots() throws(RBDFailure) -> [String] {
        let found = RBDNames()
        try unsafe use { handle in unsafe found.gather { unsafe coffer_rbd_snapshots(handle, $0, $1) } }
        return found.names
    }

    /// Takes a snapshot away, if it is there.
    func removeSnapshot(_ name: String) throws(RBDFailure) {
        try unsafe use {
            let result = unsafe coffer_rbd_remove_snapshot($0, name)
            return result == -ENOENT ? 0 : result
        }
    }

    /// The image and the snapshot that this one is made of, or nil.
    func parent() throws(RBDFailure) -> (image: String, snapshot: String)? {
        var (image, snapshot) = ([CChar](repeating: 0, count: 256), [CChar](repeating: 0, count: 256))
        var isNone = false
        try unsafe use {
            let result = unsafe coffer_rbd_parent($0, &image, &snapshot, 256)
            isNone = result == -ENOENT
            return isNone ? 0 : result
        }
        return isNone ? nil : (RBDPool.text(image), RBDPool.text(snapshot))
    }

    /// Gives the image its own copy of what it has of another.
    ///
    /// - Parameter progress: Is called with the share that is done.
    func flatten(_ progress: @escaping (Double) -> Void) throws(RBDFailure) {
        final class Teller {
            let tell: (Double) -> Void
            init(_ tell: @escaping (Double) -> Void) { self.tell = tell }
        }
        let teller = Teller(progress)
        try unsafe use { handle in
            withExtendedLifetime(teller) {
                unsafe coffer_rbd_flatten(handle, { done, all, context in
                    if all > 0, let context = unsafe context {
                        unsafe Unmanaged<Teller>.fromOpaque(context).takeUnretainedValue().tell(Double(done) / Double(all))
                    }
                    return 0
                }, Unmanaged.passUnretained(teller).toOpaque())
            }
        }
    }

    private var owner: String? {
        var owner = [CChar](repeating: 0, count: 256)
        return (try? unsafe use { unsafe coffer_rbd_lock_owner($0, &owner, owner.count) }) == nil ? nil : RBDPool.text(owner)
    }

    /// The ranges of which anything was written, in order and not joined.
    ///
    /// - Parameters:
    ///   - since: A snapshot; nil for ever.
    ///   - withParents: Whether what comes from the image that this one is made of counts.
    ///   - whole: Whether an object of which anything was written counts in full.
    func written(_ offset: UInt64, _ count: UInt64, since: String? = nil, withParents: Bool, whole: Bool) throws(RBDFailure) -> [ByteRange] {
        final class Found {
            var ranges: [ByteRange] = []
            let countsHoles: Bool
            init(countsHoles: Bool) { self.countsHoles = countsHoles }
        }
        // Since a snapshot, what was taken away is a change too.
        let found = Found(countsHoles: since != nil)
        try unsafe use { handle in
            withExtendedLifetime(found) {
                unsafe coffer_rbd_extents(handle, since, offset, count, withParents ? 1 : 0, whole ? 1 : 0, { offset, length, hasData, context in
                    guard let context = unsafe context else { return 0 }
                    let found = unsafe Unmanaged<Found>.fromOpaque(context).takeUnretainedValue()
                    if hasData != 0 || found.countsHoles { found.ranges.append(ByteRange(offset: offset, length: UInt64(length))) }
                    return 0
                }, Unmanaged.passUnretained(found).toOpaque())
            }
        }
        return found.ranges
    }

    private func block(_ body: (UnsafeMutableRawPointer) -> Int32) throws(BlockError) {
        do throws(RBDFailure) { try unsafe use(body) } catch {
            throw error.code == EBADF ? .closed : error.block
        }
    }

    /// Calls `body` with the handle, which stays open meanwhile.
    ///
    /// - Throws: ``RBDFailure`` if the result is a negative `errno`; `EBADF` once the image was given up.
    private func use(_ body: (UnsafeMutableRawPointer) -> Int32) throws(RBDFailure) {
        unsafe pthread_rwlock_rdlock(turn)
        defer { unsafe pthread_rwlock_unlock(turn) }
        guard let handle = unsafe handle else { throw RBDFailure(EBADF) }
        try RBDFailure.check(unsafe body(handle))
    }
}
