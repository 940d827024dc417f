import CLinux
import Glibc

/// One end of a control connection: whole messages over a blocking socket, which somebody else closes.
struct ControlSocket {
    let descriptor: Int32

    /// Why a message did not come.
    enum Failure: Error {
        /// The other side closed the connection between messages.
        case ended
        /// The message is longer than allowed.
        case tooLong
        /// The operating system refused, or the other side took too long.
        case system(Int32)
    }

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// The user at the other end may be asked and answered: it is this process's own or root.
    var isTrusted: Bool {
        var process = pid_t()
        var user = uid_t()
        var group = gid_t()
        guard unsafe coffer_peer_credentials(descriptor, &process, &user, &group) == 0 else { return false }
        return user == geteuid() || user == 0
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        let status = unsafe bytes.withUnsafeBytes { unsafe coffer_send_all(descriptor, $0.baseAddress, $0.count) }
        guard status == 0 else { throw .system(errno) }
    }

    /// The JSON of the next message.
    func receive(limit: Int) throws(Failure) -> [UInt8] {
        guard let length = ControlFrame.length(try receiveBytes(ControlFrame.prefixByteCount, mayEnd: true)) else { throw .ended }
        guard length <= limit else { throw .tooLong }
        return try receiveBytes(length, mayEnd: false)
    }

    private func receiveBytes(_ count: Int, mayEnd: Bool) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        // The length is the sender's claim: memory is taken as bytes come.
        var piece = [UInt8](repeating: 0, count: min(count, 64 << 10))
        while bytes.count < count {
            let want = min(piece.count, count - bytes.count)
            let got = unsafe piece.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, want, 0) }
            if got < 0, errno == EINTR { continue }
            if got == 0 { throw mayEnd && bytes.isEmpty ? .ended : .system(ECONNRESET) }
            guard got > 0 else { throw .system(errno) }
            bytes += piece[..<got]
        }
        return bytes
    }
}
