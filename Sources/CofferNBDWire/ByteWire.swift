import CLinux
import Glibc

/// A client's connection as a stream of bytes: a socket, or whatever is laid over one.
package protocol ByteWire: AnyObject {
    /// Sends all of `bytes`.
    ///
    /// - Throws: ``NBDFailure/connection(_:)``.
    func send(_ bytes: UnsafeRawBufferPointer) throws(NBDFailure)
    /// Fills `bytes` with what comes next.
    ///
    /// - Throws: ``NBDFailure/connection(_:)``.
    func receive(into bytes: UnsafeMutableRawBufferPointer) throws(NBDFailure)
    /// Lets calls in progress and later ones fail. Any thread may call it.
    func interrupt()
}

/// A connection that TLS is laid over before anything is said of exports. Servers that have none are refused.
package protocol SecurableWire: ByteWire {
    /// Lays TLS over the connection, now that the server has agreed.
    ///
    /// - Throws: ``NBDFailure/connection(_:)``.
    func secure() throws(NBDFailure)
}

extension ByteWire {
    func send(_ bytes: [UInt8]) throws(NBDFailure) {
        let result = unsafe bytes.withUnsafeBytes { bytes in Result(catching: { () throws(NBDFailure) in try unsafe send(bytes) }) }
        try result.get()
    }

    /// The next `count` bytes.
    func receive(_ count: Int) throws(NBDFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let result = unsafe bytes.withUnsafeMutableBytes { bytes in Result(catching: { () throws(NBDFailure) in try unsafe receive(into: bytes) }) }
        try result.get()
        return bytes
    }
}

/// A connection to a Unix socket of this user's or root's, closed with the object.
package final class SocketWire: ByteWire {
    private let descriptor: Int32

    /// - Parameter timeout: How long a single send or receive may take, in milliseconds; 0 for any time.
    /// - Throws: ``NBDFailure/connection(_:)``.
    package init(path: String, timeout: Int) throws(NBDFailure) {
        descriptor = unsafe coffer_unix_connect(path)
        guard descriptor >= 0 else { throw Self.failure("the disk's host at \(path) cannot be reached") }
        _ = coffer_set_timeout(descriptor, timeout)
        var process = pid_t()
        var user = uid_t()
        var group = gid_t()
        guard unsafe coffer_peer_credentials(descriptor, &process, &user, &group) == 0, user == geteuid() || user == 0 else {
            throw .connection("\(path) belongs to another user")
        }
    }

    package func send(_ bytes: UnsafeRawBufferPointer) throws(NBDFailure) {
        guard unsafe coffer_send_all(descriptor, bytes.baseAddress, bytes.count) == 0 else {
            throw Self.failure("the disk's host takes no more")
        }
    }

    package func receive(into bytes: UnsafeMutableRawBufferPointer) throws(NBDFailure) {
        var done = 0
        while done < bytes.count {
            let got = unsafe recv(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, 0)
            if got < 0, errno == EINTR { continue }
            guard got != 0 else { throw .connection("the disk's host ended the connection") }
            guard got > 0 else { throw Self.failure("the disk's host does not answer") }
            done += got
        }
    }

    package func interrupt() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    private static func failure(_ what: String) -> NBDFailure {
        .connection("\(what): \(unsafe String(cString: strerror(errno)))")
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
