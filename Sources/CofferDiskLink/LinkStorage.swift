package import CofferBlock
import CofferModel
import CofferNBDWire
import Glibc
import Synchronization

/// A disk that a storage service has, read and written over NBD as the service exports it.
///
/// While the service cannot be reached or does not serve the disk, I/O waits, for a minute at most. What was begun is then done again: a
/// sector is written by one call at a time, so that doing a write twice leaves what it leaves done once. A service that ends and is
/// started again has what it answered, for its machine's kernel has it; a service whose machine goes down may lose what no
/// ``sync()`` followed, and then says so to nobody.
package final class LinkStorage: DiskStorage {
    private let address: LinkAddress
    private let export: String
    private let patience: Duration
    private let pool = Mutex(Pool())
    private let holes = Atomic<UInt64>(0)

    private struct Pool {
        var idle: [NBDSession] = []
        var isEnding = false
    }

    /// Between two tries to connect, in microseconds.
    private static let pause: useconds_t = 100_000

    /// Nothing is connected before the first I/O.
    ///
    /// - Parameters:
    ///   - export: The disk's name there.
    ///   - patience: How long I/O waits for a service that does not serve the disk.
    package init(to address: LinkAddress, export: String, patience: Duration = .seconds(60)) {
        self.address = address
        self.export = export
        self.patience = patience
    }

    deinit {
        for session in pool.withLock({ $0.idle }) { session.end() }
    }

    /// Waits until the service serves the disk.
    ///
    /// - Throws: ``BlockError/system(_:)`` if it does not in time; ``BlockError/outOfRange`` if the disk is smaller there than `byteCount`.
    package func probe(byteCount: UInt64) throws(BlockError) {
        try perform { (session) throws(NBDFailure) in
            guard session.agreement.byteCount >= byteCount else { throw .badRange }
        }
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        try perform { (session) throws(NBDFailure) in try unsafe session.read(into: bytes, at: offset) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        try perform { (session) throws(NBDFailure) in try unsafe session.write(bytes, at: offset, isDurable: isDurable) }
    }

    package func sync() throws(BlockError) {
        try perform { (session) throws(NBDFailure) in try session.flush() }
    }

    package func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try clear(offset, count, keepsSpace: false)
    }

    package func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try clear(offset, count, keepsSpace: true)
    }

    private func clear(_ offset: UInt64, _ count: UInt64, keepsSpace: Bool) throws(BlockError) -> Bool {
        let range = ByteRange(offset: offset, length: count)
        try perform { (session) throws(NBDFailure) in try session.clear(range, keepsSpace: keepsSpace, isDurable: false) }
        holes.add(1, ordering: .relaxed)
        return true
    }

    package func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        var found: [NBDSession.Extent] = []
        try perform { (session) throws(NBDFailure) in found = try session.extents(ByteRange(offset: offset, length: count)) }
        for extent in found {
            guard body(DiskExtent(offset: extent.range.offset, length: extent.range.length, isHole: extent.isZero)) else { return }
        }
    }

    package var holeCount: UInt64 { holes.load(ordering: .relaxed) }

    /// Does nothing: what is read ahead is the service's to decide.
    package func prefetch(_ offset: UInt64, _ count: UInt64) {}

    /// 0: the service tells what its disks occupy.
    package func allocatedByteCount() -> UInt64 { 0 }

    /// Lets I/O that waits for the service fail from now on, so that whoever waits can end.
    package func releaseWaiting() { pool.withLock { $0.isEnding = true } }

    /// Does a command on a connection that nobody uses, and again on another as long as connections are lost.
    private func perform(_ command: (NBDSession) throws(NBDFailure) -> Void) throws(BlockError) {
        var deadline: ContinuousClock.Instant?
        while true {
            do throws(NBDFailure) {
                return try performOnce(command)
            } catch {
                if let final = Self.final(error) { throw final }
            }
            let now = ContinuousClock.now
            let end = deadline ?? now + patience
            deadline = end
            if isEnding { throw .closed }
            guard now < end else { throw .system(ETIMEDOUT) }
            usleep(Self.pause)
        }
    }

    private var isEnding: Bool { pool.withLock { $0.isEnding } }

    private func performOnce(_ command: (NBDSession) throws(NBDFailure) -> Void) throws(NBDFailure) {
        let session = try take()
        do {
            try command(session)
        } catch {
            if error.isOfCommand { give(session) } else { drop() }
            throw error
        }
        give(session)
    }

    private func take() throws(NBDFailure) -> NBDSession {
        if let idle = pool.withLock({ $0.idle.popLast() }) { return idle }
        return try NBDSession(address.connect(), export: export)
    }

    private func give(_ session: NBDSession) { pool.withLock { $0.idle.append(session) } }

    /// Gives up the connections that nobody uses: if one was lost, so were probably the others.
    private func drop() {
        pool.withLock { $0.idle = [] }
    }

    /// The disk's error for a failure that another try does not change.
    private static func final(_ failure: NBDFailure) -> BlockError? {
        switch failure {
        case .connection, .refused, .malformed, .command(NBDError.shuttingDown.rawValue): nil
        case .badRange: .outOfRange
        case .command(NBDError.notPermitted.rawValue): .readOnly
        case .command(NBDError.noSpace.rawValue): .noSpace
        case .command(NBDError.invalid.rawValue): .outOfRange
        case .command: .system(EIO)
        }
    }
}
