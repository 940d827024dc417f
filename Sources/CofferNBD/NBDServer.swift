import CLinux
import CofferCore
package import CofferBlock
import Glibc
import Synchronization

/// Serves disks as NBD exports on one Unix socket, a thread per connection.
///
/// A client can harm nobody but itself: what it may send is bounded, it is given time for the handshake only, and no lock is held
/// while it is waited for.
package final class NBDServer: Sendable {
    /// Something that an operator may want to know.
    package enum Event: Sendable {
        case connected(export: String)
        case disconnected(export: String)
        /// The client asked for an export that it did not get.
        case refused(export: String, reason: String)
        /// There are as many connections as there may be.
        case full
    }

    /// How many connections there may be.
    package struct Limits: Sendable {
        package var perExport = 64
        package var total = 1024
        /// How long a handshake may take.
        package var handshake = Duration.seconds(20)

        package init() {}
    }

    /// The path of the socket.
    package let path: String

    private let limits: Limits
    private let observe: @Sendable (Event) -> Void
    private let exports = Mutex<[String: EncryptedDisk]>([:])
    private let roster = ConnectionRoster()
    private let listener: Int32
    private let isStopping = Atomic<Bool>(false)

    /// Listens on `path`; clients are served once ``start()`` was called.
    ///
    /// - Throws: ``BlockError/system(_:)`` if the socket cannot be made.
    package init(path: String, limits: Limits = Limits(), observe: @escaping @Sendable (Event) -> Void = { _ in }) throws(BlockError) {
        self.path = path
        self.limits = limits
        self.observe = observe
        listener = unsafe coffer_unix_listen(path, 128)
        guard listener >= 0 else { throw .system(errno) }
    }

    /// Takes connections from now on.
    package func start() {
        PosixThread.start(name: "nbd-accept") { self.accept() }
    }

    /// Offers a disk under a name.
    package func add(_ disk: EncryptedDisk, as name: String) {
        exports.withLock { $0[name] = disk }
    }

    /// Withdraws an export and ends its connections; requests that they have sent are done first.
    package func remove(_ name: String) {
        exports.withLock { $0[name] = nil }
        roster.end(name, grace: .seconds(5))
    }

    /// Connections that use an export.
    package func clientCount(of name: String) -> Int { roster.count(of: name) }

    /// Takes no more connections, ends all there are, and takes the socket away.
    package func stop() {
        isStopping.store(true, ordering: .sequentiallyConsistent)
        _ = shutdown(listener, Int32(SHUT_RDWR))
        _ = unsafe unlink(path)
        roster.end(nil, grace: .seconds(5))
    }

    private func accept() {
        while true {
            let socket = coffer_accept(listener)
            if isStopping.load(ordering: .sequentiallyConsistent) {
                if socket >= 0 { close(socket) }
                return
            }
            guard socket >= 0 else {
                // Out of descriptors or memory: let connections end before the next try.
                if errno != EINTR, errno != ECONNABORTED { usleep(50_000) }
                continue
            }
            guard let number = roster.add(socket, limit: limits.total) else {
                close(socket)
                observe(.full)
                continue
            }
            PosixThread.start(name: "nbd-client") {
                self.serve(socket, number)
                self.roster.remove(number)
            }
        }
    }

    private func serve(_ socket: Int32, _ number: Int) {
        coffer_enlarge_buffers(socket, 2 << 20)
        guard let agreement = shakeHands(socket) else { return }
        let name = agreement.exportName
        guard let disk = exports.withLock({ $0[name] }), roster.assign(number, to: name, limit: limits.perExport),
            let channel = try? disk.makeChannel()
        else { return }
        defer { channel.end() }
        _ = coffer_set_timeout(socket, 0)
        observe(.connected(export: name))
        let rules = RequestRules(
            byteCount: disk.byteCount, isReadOnly: disk.isReadOnly, isStructured: agreement.isStructured,
            reportsAllocation: agreement.reportsAllocation)
        Transmission(SocketStream(socket: socket), channel, rules, leftover: agreement.leftover).run()
        observe(.disconnected(export: name))
    }

    private func shakeHands(_ socket: Int32) -> HandshakeMachine.Agreement? {
        let stream = SocketStream(socket: socket)
        let deadline = ContinuousClock.now + limits.handshake
        var machine = HandshakeMachine()
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            switch machine.next() {
            case .send(let bytes):
                guard unsafe bytes.withUnsafeBytes({ unsafe stream.send($0) }) else { return nil }
            case .receive:
                let left = (deadline - .now).components
                let milliseconds = left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000
                guard milliseconds > 0 else { return nil }
                _ = coffer_set_timeout(socket, Int(milliseconds))
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe stream.receive(into: $0) }
                guard count > 0 else { return nil }
                machine.receive(buffer[..<count])
            case .find(let name): machine.found(offer(name))
            case .list: machine.listed(exports.withLock { $0.keys.sorted() })
            case .transmit(let agreement): return agreement
            case .end: return nil
            }
        }
    }

    private func offer(_ name: String) -> HandshakeMachine.Offer {
        guard let disk = exports.withLock({ $0[name] }) else {
            observe(.refused(export: name, reason: "unknown"))
            return .unknown
        }
        if let reason = disk.suspensionReason ?? tooMany(name) {
            observe(.refused(export: name, reason: reason))
            return .refused(reason)
        }
        return .available(byteCount: disk.byteCount, isReadOnly: disk.isReadOnly)
    }

    private func tooMany(_ name: String) -> String? {
        roster.count(of: name) < limits.perExport ? nil : "the export has \(limits.perExport) connections, and no more are allowed"
    }

    deinit { close(listener) }
}
