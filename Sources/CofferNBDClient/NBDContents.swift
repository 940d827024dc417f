import CofferCore
package import CofferModel
import CofferNBDWire
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
            let session = try failing { () throws(NBDFailure) in
                try NBDSession(SocketWire(path: export.socketPath, timeout: Self.timeout), export: export.name)
            }
            return NBDContent(session, pool)
        }
    }
}

/// One connection.
private final class NBDContent: DiskContent {
    let byteCount: UInt64
    private let session: Mutex<NBDSession>
    private let pool: WorkerPool

    init(_ session: NBDSession, _ pool: WorkerPool) {
        byteCount = session.agreement.byteCount
        self.session = Mutex(session)
        self.pool = pool
    }

    func read(_ range: ByteRange) async throws -> [UInt8] {
        try await perform { session in
            guard range.length <= NBDLimit.payloadByteCount else { throw DiskFailure(NBDFailure.badRange) }
            var bytes = [UInt8](repeating: 0, count: Int(range.length))
            try unsafe bytes.withUnsafeMutableBytes { bytes in
                try failing { () throws(NBDFailure) in try unsafe session.read(into: bytes, at: range.offset) }
            }
            return bytes
        }
    }

    func write(_ bytes: [UInt8], at offset: UInt64) async throws {
        try await perform { session in
            try unsafe bytes.withUnsafeBytes { bytes in
                try failing { () throws(NBDFailure) in try unsafe session.write(bytes, at: offset, isDurable: true) }
            }
        }
    }

    func clear(_ range: ByteRange) async throws {
        try await perform { session in
            try failing { () throws(NBDFailure) in try session.clear(range, keepsSpace: false, isDurable: true) }
        }
    }

    func allocated(_ range: ByteRange) async throws -> [ByteRange] {
        try await perform { session in
            try failing { () throws(NBDFailure) in try session.extents(range).filter { !$0.isZero }.map(\.range) }
        }
    }

    private func perform<R: Sendable>(_ body: @escaping @Sendable (NBDSession) throws -> R) async throws -> R {
        try await pool.run { try self.session.withLock { try body($0) } }
    }

    deinit {
        session.withLock { $0.end() }
    }
}

/// Does `body` and says what failed in the words of disks.
private func failing<R>(_ body: () throws(NBDFailure) -> R) throws(DiskFailure) -> R {
    do { return try body() } catch { throw DiskFailure(error) }
}

extension DiskFailure {
    fileprivate init(_ failure: NBDFailure) {
        switch failure {
        case .connection(let what): self.init(.system, what)
        case .refused(let words):
            self.init(.busy, words.isEmpty ? "the disk's host refuses the export" : "the disk's host refuses the export: \(words)")
        case .command(NBDError.notPermitted.rawValue): self.init(.badCommand, "the disk is open for reading only")
        case .command(NBDError.noSpace.rawValue): self.init(.noSpace, "its host's file system is full")
        case .command(let code): self.init(.system, "its host could not do the input or output (error \(code))")
        case .malformed: self.init(.system, "the disk's host gave an answer that is not of the NBD protocol")
        case .badRange: self.init(.badCommand, "the range is not within the disk, or too long for one command")
        }
    }
}
