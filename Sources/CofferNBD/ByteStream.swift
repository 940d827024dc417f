import CLinux
import CofferCrypto
import Glibc

/// Where a connection's bytes come from and go to. A socket, or memory in tests.
protocol ByteStream {
    /// Waits for bytes and puts them into `buffer`.
    ///
    /// - Returns: How many, or 0 when no more will come.
    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int
    /// Sends all of `bytes`.
    ///
    /// - Returns: Whether the other side can still take them.
    func send(_ bytes: UnsafeRawBufferPointer) -> Bool
}

/// A connected socket, which somebody else closes.
struct SocketStream: ByteStream {
    let socket: Int32

    func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        while true {
            let got = unsafe recv(socket, buffer.baseAddress, buffer.count, 0)
            if got < 0, errno == EINTR { continue }
            return max(0, got)
        }
    }

    func send(_ bytes: UnsafeRawBufferPointer) -> Bool {
        unsafe coffer_send_all(socket, bytes.baseAddress, bytes.count) == 0
    }
}

extension TLSStream: ByteStream {}
