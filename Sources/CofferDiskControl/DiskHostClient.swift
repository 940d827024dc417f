import CLinux
package import CofferCore
package import CofferModel
import Glibc

/// The control plane's end of the control protocol. A connection per command, so that a disk host may come and go between two.
package struct DiskHostClient: Sendable {
    /// The path of the control socket, `DATA/run/diskd.sock`.
    package let path: String
    private let timeout: Duration
    private let pool: WorkerPool

    /// - Parameters:
    ///   - timeout: How long the host may take to accept a command or to answer one. Closing a disk includes a sync.
    ///   - pool: Where the blocking calls are made.
    package init(path: String, timeout: Duration = .seconds(120), pool: WorkerPool = WorkerPool(name: "disk-control", threads: 4)) {
        self.path = path
        self.timeout = timeout
        self.pool = pool
    }

    /// Has the host do a command.
    ///
    /// - Returns: Any reply but a failure.
    /// - Throws: ``DiskFailure``: the host's own, or `system` if there is no host, it does not answer in time or it is another user's.
    ///   Whether the command was done is then unknown; every command can be repeated.
    package func perform(_ command: DiskCommand) async throws -> DiskReply {
        try await pool.run { try performBlocking(command) }
    }

    /// As ``perform(_:)``, on the calling thread.
    package func performBlocking(_ command: DiskCommand) throws(DiskFailure) -> DiskReply {
        let descriptor = unsafe coffer_unix_connect(path)
        guard descriptor >= 0 else { throw failure("cannot be reached", errno) }
        defer { close(descriptor) }
        let socket = ControlSocket(descriptor: descriptor)
        let (seconds, attoseconds) = timeout.components
        _ = coffer_set_timeout(descriptor, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
        guard socket.isTrusted else { throw DiskFailure(.system, "\(path) belongs to another user") }
        let body: [UInt8]
        do {
            let message = try ControlFrame.encode(command)
            guard message.count <= ControlFrame.commandByteCount else { throw DiskFailure(.badCommand, "the command is too long") }
            try socket.send(message)
            body = try socket.receive(limit: ControlFrame.replyByteCount)
        } catch let error as DiskFailure {
            throw error
        } catch ControlSocket.Failure.system(let code) {
            throw failure("does not answer", code)
        } catch {
            throw DiskFailure(.system, "coffer-diskd at \(path) closed the connection without an answer")
        }
        let reply = try ControlFrame.reply(body)
        if case .failure(let failure) = reply { throw failure }
        return reply
    }

    private func failure(_ what: String, _ code: Int32) -> DiskFailure {
        DiskFailure(.system, "coffer-diskd at \(path) \(what): \(unsafe String(cString: strerror(code)))")
    }
}
