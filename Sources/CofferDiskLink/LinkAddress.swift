package import CofferNBDWire

/// Where a storage service offers its disks over NBD: an NBD URI.
package struct LinkAddress: Equatable, Sendable {
    /// The path of its Unix socket.
    package let socketPath: String

    package init(socketPath: String) { self.socketPath = socketPath }

    /// - Returns: nil unless `uri` is `nbd+unix:///?socket=PATH` (https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md) with an
    ///   absolute path without percent signs.
    package init?(uri: String) {
        let start = "nbd+unix:///?socket="
        guard uri.hasPrefix(start) else { return nil }
        let path = String(uri.dropFirst(start.count))
        guard path.hasPrefix("/"), !path.contains("%"), !path.contains("&") else { return nil }
        socketPath = path
    }

    /// A new connection.
    ///
    /// - Throws: ``NBDFailure/connection(_:)``.
    package func connect() throws(NBDFailure) -> any ByteWire {
        // A storage that makes I/O wait for its keys answers late, and one that has ended ends the connection.
        try SocketWire(path: socketPath, timeout: 0)
    }
}
