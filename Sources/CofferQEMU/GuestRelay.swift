import CLinux
import Glibc

/// Carries a guest's connections to sockets of this host: QEMU starts the program once for each, with the connection as its standard
/// input and output.
package struct GuestRelay: Sendable {
    private let program: String
    /// Where all clients reach the installation, on this host's loopback network and in guests alike.
    package let endpointPort: Int

    /// The word after the program's name that makes it a relay.
    package static let commandName = "guest-relay"

    /// - Parameter program: A program that calls ``run(toSocket:)`` or ``run(toPort:)``, with a path.
    package init(program: String, endpointPort: Int) {
        self.program = program
        self.endpointPort = endpointPort
    }

    func command(toSocket path: String) -> String { "\(Self.quote(program)) \(Self.commandName) --socket \(Self.quote(path))" }

    var commandToEndpoint: String { "\(Self.quote(program)) \(Self.commandName) --port \(endpointPort)" }

    /// As shells quote a word, which is how QEMU reads the command.
    private static func quote(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    /// Carries standard input and output to a Unix socket until either end closes.
    ///
    /// - Returns: Whether there was a connection.
    package static func run(toSocket path: String) -> Bool { carry(unsafe coffer_unix_connect(path)) }

    /// The same to a TCP port of the loopback network.
    package static func run(toPort port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let status = unsafe withUnsafePointer(to: &place) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        return carry(status == 0 ? descriptor : -1)
    }

    private static func carry(_ descriptor: Int32) -> Bool {
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var polled = [pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        while polled[1].fd >= 0 {
            guard unsafe poll(&polled, 2, -1) >= 0 || errno == EINTR else { break }
            if polled[0].revents != 0, !move(STDIN_FILENO, descriptor, &bytes) {
                _ = shutdown(descriptor, Int32(SHUT_WR))
                polled[0].fd = -1
            }
            if polled[1].revents != 0, !move(descriptor, STDOUT_FILENO, &bytes) { polled[1].fd = -1 }
        }
        return true
    }

    /// Moves what there is; false at the end.
    private static func move(_ from: Int32, _ to: Int32, _ bytes: inout [UInt8]) -> Bool {
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe read(from, $0.baseAddress, $0.count) }
        guard got > 0 else { return got < 0 && errno == EINTR }
        var done = 0
        while done < got {
            let put = unsafe bytes.withUnsafeBytes { unsafe write(to, $0.baseAddress?.advanced(by: done), got - done) }
            if put < 0, errno == EINTR { continue }
            guard put > 0 else { return false }
            done += put
        }
        return true
    }
}
