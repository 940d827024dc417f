import CLinux
import CofferModel
import CofferPlatform
import Glibc

/// A connection over which JSON objects go, one a line, as QEMU and its guest agent speak. Blocks its thread.
final class LineSocket {
    /// What could not be done in time, or at all.
    enum Failure: Error {
        case ended
        case timeout
        /// The other side sends what is no line of JSON, or too long a one.
        case malformed
    }

    private let descriptor: Int32
    private var received: [UInt8] = []
    /// Where the search for the end of a line goes on.
    private var searched = 0

    /// The longest line: an agent's answer has up to 16 MiB of output in base 64.
    private static let longestLine = 48 << 20

    /// - Throws: ``Failure/ended`` if nobody listens at `path`.
    init(path: String, timeout: Duration) throws(Failure) {
        descriptor = unsafe coffer_unix_connect(path)
        guard descriptor >= 0 else { throw .ended }
        setTimeout(timeout)
    }

    deinit { close(descriptor) }

    /// How long one receive may take from now on.
    func setTimeout(_ timeout: Duration) {
        let (seconds, attoseconds) = timeout.components
        _ = coffer_set_timeout(descriptor, max(1, Int(clamping: seconds &* 1000 &+ attoseconds / 1_000_000_000_000_000)))
    }

    /// Sends a message and the end of its line.
    ///
    /// - Parameter mark: Bytes in front of it.
    func send(_ message: JSONValue, mark: [UInt8] = []) throws {
        let bytes = mark + (try JSON.encode(message)) + [UInt8(ascii: "\n")]
        let status = unsafe bytes.withUnsafeBytes { unsafe coffer_send_all(descriptor, $0.baseAddress, $0.count) }
        guard status == 0 else { throw errno == EAGAIN ? Failure.timeout : Failure.ended }
    }

    /// The next message.
    func receive() throws -> JSONValue {
        let line = try receiveLine()
        do {
            return try JSON.decode(JSONValue.self, from: line)
        } catch {
            throw Failure.malformed
        }
    }

    private func receiveLine() throws(Failure) -> [UInt8] {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            if let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                // The agent sets such a byte in front of what follows a synchronisation.
                let line = received[..<end].drop { $0 == GuestAgent.mark }
                received.removeSubrange(...end)
                searched = 0
                return Array(line)
            }
            searched = received.count
            guard received.count < Self.longestLine else { throw .malformed }
            let got = unsafe piece.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw errno == EAGAIN ? .timeout : .ended }
            guard got > 0 else { throw .ended }
            received += piece[..<got]
        }
    }
}
