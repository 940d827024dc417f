import CLinux
import CofferCore
package import CofferBlock
package import CofferCrypto
package import CofferModel
import Glibc
import Synchronization

/// Serves disks as NBD exports on a Unix socket, and on TCP sockets with TLS, a thread per connection.
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
        /// A client over TCP was not let in.
        case turnedAway(reason: String)
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
    private let exports = Mutex<[String: Export]>([:])
    private let roster = ConnectionRoster()
    private let listener: Int32
    private let secureListeners = Mutex<[NBDListener]>([])
    private let isStopping = Atomic<Bool>(false)

    private struct Export {
        let disk: EncryptedDisk
        var isForMachine: Bool
    }

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
        PosixThread.start(name: "nbd-accept") { self.accept(self.listener) }
    }

    /// Takes connections over TCP too, from clients that speak TLS and show a certificate; what they may open, ``ExportAccess`` tells.
    ///
    /// - Parameters:
    ///   - address: Port 0 is any that is free.
    ///   - revoked: The SHA-256 of certificates that were taken back.
    /// - Throws: ``BlockError/system(_:)`` if the address cannot be listened on.
    package func listen(on address: SocketAddress, _ context: TLSContext, revoked: Set<[UInt8]> = []) throws(BlockError) -> NBDListener {
        let descriptor = unsafe coffer_tcp_listen(address.host, address.port, 128)
        guard descriptor >= 0, let port = UInt16(exactly: coffer_tcp_port(descriptor)) else { throw .system(errno) }
        let made = NBDListener(descriptor: descriptor, port: port, context, revoked: revoked)
        secureListeners.withLock { $0 = $0.filter { !$0.isStopped } + [made] }
        PosixThread.start(name: "nbds-accept") { self.accept(descriptor, made) }
        return made
    }

    /// Offers a disk under a name.
    ///
    /// - Parameter isForMachine: Whether it is open for a virtual machine, whose host may have it then.
    package func add(_ disk: EncryptedDisk, as name: String, isForMachine: Bool = false) {
        exports.withLock { $0[name] = Export(disk: disk, isForMachine: isForMachine) }
    }

    /// Says that a disk is open for a virtual machine from now on, or no longer.
    package func set(_ name: String, isForMachine: Bool) {
        exports.withLock { $0[name]?.isForMachine = isForMachine }
    }

    /// Ends the connections whose clients have shown one of these certificates, by their SHA-256, and waits until they are gone.
    package func end(certificates: Set<[UInt8]>) {
        guard !certificates.isEmpty else { return }
        roster.end(certificates: certificates)
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
        secureListeners.withLock { listeners in
            for secure in listeners { secure.stop() }
            listeners = []
        }
        _ = unsafe unlink(path)
        roster.end(nil, grace: .seconds(5))
    }

    /// - Parameter secure: What `descriptor` is of; nil where clients are programs of this machine.
    private func accept(_ descriptor: Int32, _ secure: NBDListener? = nil) {
        while true {
            let socket = coffer_accept(descriptor)
            if isStopping.load(ordering: .sequentiallyConsistent) || secure?.isStopped == true {
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
                self.serve(socket, number, secure)
                self.roster.remove(number)
            }
        }
    }

    private func serve(_ socket: Int32, _ number: Int, _ listener: NBDListener?) {
        coffer_enlarge_buffers(socket, 2 << 20)
        let plain = SocketStream(socket: socket)
        var handshake = Handshake(socket: socket, deadline: .now + limits.handshake, demandsTLS: listener != nil)
        guard let listener else {
            guard let agreement = handshake.run(over: plain, with: offers(.any)) else { return }
            return transmit(plain, number, agreement)
        }
        // The first part can only lead to TLS.
        guard handshake.run(over: plain, with: offers(.none)) == nil, handshake.awaitsTLS else { return }
        do throws(CryptoError) {
            let secure = try TLSStream(listener.context, .server, socket: socket, timeout: handshake.milliseconds)
            handshake.secured()
            defer { secure.end() }
            // Known before it is looked for among those that were taken back, so that none slips between.
            roster.note(secure.peer.fingerprint, of: number)
            guard !listener.refuses(secure.peer) else { return observe(.turnedAway(reason: "the certificate was revoked")) }
            guard let agreement = handshake.run(over: secure, with: offers(ExportAccess(of: secure.peer))) else { return }
            transmit(secure, number, agreement)
        } catch {
            observe(.turnedAway(reason: "\(error)"))
        }
    }

    private func transmit(_ stream: some ByteStream, _ number: Int, _ agreement: HandshakeMachine.Agreement) {
        let name = agreement.exportName
        guard let disk = exports.withLock({ $0[name]?.disk }), roster.assign(number, to: name, limit: limits.perExport),
            let channel = try? disk.makeChannel()
        else { return }
        defer { channel.end() }
        observe(.connected(export: name))
        let rules = RequestRules(
            byteCount: disk.byteCount, isReadOnly: disk.isReadOnly, isStructured: agreement.isStructured,
            reportsAllocation: agreement.reportsAllocation)
        Transmission(stream, channel, rules, leftover: agreement.leftover).run()
        observe(.disconnected(export: name))
    }

    private func offers(_ access: ExportAccess) -> Handshake.Offers {
        Handshake.Offers(
            find: { self.offer($0, access) }, list: { self.exports.withLock { $0.filter { access.allows($0.key, isForMachine: $0.value.isForMachine) }.keys.sorted() } })
    }

    private func offer(_ name: String, _ access: ExportAccess) -> HandshakeMachine.Offer {
        let export = exports.withLock { $0[name] }
        guard access.allows(name, isForMachine: export?.isForMachine == true) else {
            // As if there were none: whoever may not open it need not learn that it is there.
            observe(.refused(export: name, reason: "the client's certificate is for \(access)"))
            return .unknown
        }
        guard let disk = export?.disk else {
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
