import CLinux
import CofferCore
package import CofferBlock
import Glibc
import Synchronization

/// Offers disks to virtual machines over vhost-user: each on a Unix socket of its own, for one front end at a time.
///
/// The front end shares the guest's memory, so data is moved by no socket; it is trusted with that memory, and with nothing else.
package final class VhostServer: Sendable {
    /// Something that an operator may want to know.
    package enum Event: Sendable {
        case connected(disk: String)
        case disconnected(disk: String)
        /// The front end or its guest broke the protocol; the text says how.
        case broken(disk: String, reason: String)
    }

    private struct Export {
        let listener: Int32
        let disk: EncryptedDisk
        /// The connection that is served, or -1.
        var client: Int32 = -1
        /// Since when it is there and has said nothing.
        var silentSince: ContinuousClock.Instant?
        var isEnding = false
    }

    /// Where the sockets are.
    package let directory: String
    private let observe: @Sendable (Event) -> Void
    private let exports = Mutex<[String: Export]>([:])

    /// - Parameter directory: Of the sockets; made if it is not there.
    /// - Throws: ``BlockError/system(_:)`` if it cannot be made.
    package init(directory: String, observe: @escaping @Sendable (Event) -> Void = { _ in }) throws(BlockError) {
        guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(errno) }
        self.directory = directory
        self.observe = observe
    }

    /// Where a disk is offered, or nil if it is not.
    package func path(of name: String) -> String? {
        exports.withLock { $0[name] == nil ? nil : socketPath(name) }
    }

    private func socketPath(_ name: String) -> String { "\(directory)/\(name).sock" }

    /// Offers a disk.
    ///
    /// - Parameter serial: What the guest reads as its serial number, up to 20 bytes of ASCII; nil for the beginning of its name.
    /// - Throws: ``BlockError/system(_:)`` if its socket cannot be made.
    package func add(_ disk: EncryptedDisk, as name: String, serial: String? = nil) throws(BlockError) {
        let listener = unsafe coffer_unix_listen(socketPath(name), 16)
        guard listener >= 0 else { throw .system(errno) }
        exports.withLock { $0[name] = Export(listener: listener, disk: disk) }
        PosixThread.start(name: "vhost-accept") { self.accept(listener, name, disk, serial: serial ?? name) }
    }

    /// Withdraws a disk: its front end is cut off once the requests in progress have ended.
    package func remove(_ name: String) {
        let isThere = exports.withLock { exports in
            guard let export = exports[name] else { return false }
            exports[name]?.isEnding = true
            _ = shutdown(export.listener, Int32(SHUT_RDWR))
            if export.client >= 0 { _ = shutdown(export.client, Int32(SHUT_RDWR)) }
            return true
        }
        guard isThere else { return }
        _ = unsafe unlink(socketPath(name))
        while exports.withLock({ $0[name] != nil }) { usleep(500) }
    }

    /// Whether a front end uses a disk.
    package func isInUse(_ name: String) -> Bool {
        exports.withLock { $0[name].map { $0.client >= 0 } ?? false }
    }

    /// Whether the front end of a disk has connected and said nothing for so long.
    package func hasSilentFrontEnd(_ name: String, for limit: Duration) -> Bool {
        exports.withLock { $0[name]?.silentSince.map { ContinuousClock.now - $0 >= limit } ?? false }
    }

    private func accept(_ listener: Int32, _ name: String, _ disk: EncryptedDisk, serial: String) {
        while true {
            let socket = coffer_accept(listener)
            let goesOn = exports.withLock { exports in
                guard exports[name]?.isEnding == false else { return false }
                if socket >= 0 {
                    exports[name]?.client = socket
                    exports[name]?.silentSince = .now
                }
                return true
            }
            guard goesOn else {
                if socket >= 0 { close(socket) }
                break
            }
            guard socket >= 0 else {
                if errno != EINTR, errno != ECONNABORTED { usleep(50_000) }
                continue
            }
            observe(.connected(disk: name))
            let session = VhostSession(socket, disk, identity: String(serial.prefix(20))) { [observe] error in
                observe(.broken(disk: name, reason: error.sentence))
            }
            session.run { self.exports.withLock { $0[name]?.silentSince = nil } }
            exports.withLock { exports in
                exports[name]?.client = -1
                exports[name]?.silentSince = nil
            }
            close(socket)
            observe(.disconnected(disk: name))
        }
        close(listener)
        exports.withLock { $0[name] = nil }
    }
}

extension VhostError {
    fileprivate var sentence: String {
        switch self {
        case .badMessage(let what), .badRing(let what): what
        case .system(let code): unsafe String(cString: strerror(code))
        }
    }
}
