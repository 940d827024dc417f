import CLinux
import CofferModel
import Glibc

/// A connection as a stream of bytes.
protocol ByteWire: AnyObject {
    /// Sends all of `bytes`.
    func send(_ bytes: [UInt8]) throws(DiskFailure)
    /// The next `count` bytes.
    func receive(_ count: Int) throws(DiskFailure) -> [UInt8]
}

/// A connection to a Unix socket of this user's or root's, closed with the object.
final class SocketWire: ByteWire {
    private let descriptor: Int32

    /// - Parameter timeout: How long a single send or receive may take, in milliseconds.
    init(path: String, timeout: Int) throws(DiskFailure) {
        descriptor = unsafe coffer_unix_connect(path)
        guard descriptor >= 0 else { throw Self.failure("the disk's host at \(path) cannot be reached") }
        _ = coffer_set_timeout(descriptor, timeout)
        var process = pid_t()
        var user = uid_t()
        var group = gid_t()
        guard unsafe coffer_peer_credentials(descriptor, &process, &user, &group) == 0, user == geteuid() || user == 0 else {
            throw DiskFailure(.system, "\(path) belongs to another user")
        }
    }

    func send(_ bytes: [UInt8]) throws(DiskFailure) {
        let status = unsafe bytes.withUnsafeBytes { unsafe coffer_send_all(descriptor, $0.baseAddress, $0.count) }
        guard status == 0 else { throw Self.failure("the disk's host takes no more") }
    }

    func receive(_ count: Int) throws(DiskFailure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, 0) }
            if got < 0, errno == EINTR { continue }
            guard got != 0 else { throw DiskFailure(.system, "the disk's host ended the connection") }
            guard got > 0 else { throw Self.failure("the disk's host does not answer") }
            done += got
        }
        return bytes
    }

    private static func failure(_ what: String) -> DiskFailure {
        DiskFailure(.system, "\(what): \(unsafe String(cString: strerror(errno)))")
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }
}
