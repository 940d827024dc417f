import CofferCore
package import CofferModel
package import CofferPlatform
import Synchronization

/// Disks' contents over their NBD exports. What is read and written crosses a Unix socket to the disk host, which has the keys.
package struct NBDContents: DiskContents {
    private let pool: WorkerPool
    /// In milliseconds. A write waits for stable storage.
    private static let timeout = 120_000

    /// - Parameter threads: How many commands of all disks are done at a time.
    package init(threads: Int = 8) {
        pool = WorkerPool(name: "disk-contents", threads: threads)
    }

    package func open(_ export: DiskExport) async throws -> any DiskContent {
        let pool = pool
        return try await pool.run {
            let session = try NBDSession(SocketWire(path: export.socketPath, timeout: Self.timeout), export: export.name)
            return NBDContent(session, pool)
        }
    }
}

/// One connection.
private final class NBDContent: DiskContent {
    let byteCount: UInt64
    private let session: Mutex<NBDSession>
    private let pool: WorkerPool

    init(_ session: consuming sending NBDSession, _ pool: WorkerPool) {
        byteCount = session.agreement.byteCount
        self.session = Mutex(session)
        self.pool = pool
    }

    func read(_ range: ByteRange) async throws -> [UInt8] {
        try await pool.run { try self.session.withLock { try $0.read(range) } }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) async throws {
        try await pool.run { try self.session.withLock { try $0.write(bytes, at: offset) } }
    }

    func clear(_ range: ByteRange) async throws {
        try await pool.run { try self.session.withLock { try $0.clear(range) } }
    }

    func allocated(_ range: ByteRange) async throws -> [ByteRange] {
        try await pool.run { try self.session.withLock { try $0.allocated(range) } }
    }

    deinit {
        session.withLock { $0.end() }
    }
}
