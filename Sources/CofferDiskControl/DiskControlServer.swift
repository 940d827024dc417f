import CLinux
import CofferCore
package import CofferModel
import Glibc
import Synchronization

/// The disk host's end of the control protocol: a Unix socket, a thread per connection, commands answered in order.
///
/// Only the process's own user and root are heard.
package final class DiskControlServer: Sendable {
    private let path: String
    private let perform: @Sendable (DiskCommand) -> DiskReply
    private let listener: Int32
    private let connections = Mutex<Set<Int32>>([])
    private let isStopping = Atomic<Bool>(false)

    /// Connections at a time; further ones wait until one of these has ended.
    private static let connectionLimit = 32
    /// How long a connection may be silent, in milliseconds.
    private static let idleMilliseconds = 60_000

    /// - Parameter perform: Called on the connection's thread, for several connections at once.
    /// - Throws: ``DiskFailure`` with `system` if the socket cannot be made.
    package init(path: String, perform: @escaping @Sendable (DiskCommand) -> DiskReply) throws(DiskFailure) {
        self.path = path
        self.perform = perform
        listener = unsafe coffer_unix_listen(path, 64)
        guard listener >= 0 else { throw DiskFailure(.system, "\(path): \(unsafe String(cString: strerror(errno)))") }
    }

    deinit { close(listener) }

    /// Takes connections from now on.
    package func start() {
        PosixThread.start(name: "control-accept") { self.accept() }
    }

    /// Takes no more connections, ends those there are once they have their answers, and takes the socket away.
    package func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        _ = shutdown(listener, Int32(SHUT_RDWR))
        _ = unsafe unlink(path)
        for _ in 0..<500 {
            let isEmpty = connections.withLock { sockets in
                for socket in sockets { _ = shutdown(socket, Int32(SHUT_RD)) }
                return sockets.isEmpty
            }
            if isEmpty { return }
            usleep(10_000)
        }
    }

    private func accept() {
        while true {
            while connections.withLock({ $0.count >= Self.connectionLimit }), !isStopping.load(ordering: .sequentiallyConsistent) { usleep(1000) }
            let descriptor = coffer_accept(listener)
            if isStopping.load(ordering: .sequentiallyConsistent) {
                if descriptor >= 0 { close(descriptor) }
                return
            }
            guard descriptor >= 0 else {
                if errno != EINTR, errno != ECONNABORTED { usleep(50_000) }
                continue
            }
            connections.withLock { _ = $0.insert(descriptor) }
            PosixThread.start(name: "control-client") {
                self.serve(ControlSocket(descriptor: descriptor))
                // Under the lock, so that nobody shuts down a new connection of the same number.
                self.connections.withLock { sockets in
                    sockets.remove(descriptor)
                    close(descriptor)
                }
            }
        }
    }

    private func serve(_ socket: ControlSocket) {
        guard socket.isTrusted else {
            answer(socket, .failure(DiskFailure(.badCommand, "coffer-diskd takes commands from its own user and root only")))
            return
        }
        _ = coffer_set_timeout(socket.descriptor, Self.idleMilliseconds)
        while true {
            do {
                let command = try ControlFrame.command(try socket.receive(limit: ControlFrame.commandByteCount))
                guard answer(socket, perform(command)) else { return }
            } catch let failure as DiskFailure {
                guard answer(socket, .failure(failure)) else { return }
            } catch ControlSocket.Failure.tooLong {
                answer(socket, .failure(DiskFailure(.badCommand, "a command has at most \(ControlFrame.commandByteCount) bytes")))
                return
            } catch {
                return
            }
        }
    }

    @discardableResult
    private func answer(_ socket: ControlSocket, _ reply: DiskReply) -> Bool {
        do {
            var bytes = try ControlFrame.encode(reply)
            if bytes.count > ControlFrame.replyByteCount {
                bytes = try ControlFrame.encode(DiskReply.failure(DiskFailure(.system, "the answer is longer than a reply may be")))
            }
            try socket.send(bytes)
            return true
        } catch {
            return false
        }
    }
}
