import CLinux
import CofferCore
import CofferPlatform
import Glibc

/// Ports of this host's loopback network that lead to ports of a running machine. QEMU chooses them, and is asked each time which they are,
/// so that nothing has to be remembered.
struct GuestPortForwards {
    /// QEMU's, which serves one connection at a time.
    let controlSocket: String

    /// Where ports for connections are.
    private static let address = "127.0.0.1"
    /// Where ports for probes are, of which each has connections of one probe alone.
    private static let probeAddress = "127.0.0.2"

    /// Makes ports reachable, and those no more that are not asked for.
    ///
    /// - Throws: ``MachineFailure`` if QEMU refuses one, ``LineSocket/Failure``.
    func set(_ ports: Set<GuestPort>, probing probed: Set<GuestPort>) throws -> [GuestPort: HostEndpoint] {
        let monitor = try MachineMonitor(path: controlSocket)
        let before = try Self.forwards(monitor)
        func make(_ wanted: Set<GuestPort>, at address: String) throws {
            let there = before.filter { $0.host.address == address }
            for line in there where !wanted.contains(where: { Self.leads(line, to: $0) }) {
                try Self.say(monitor, "hostfwd_remove \(line.network) tcp:\(address):\(line.host.port)")
            }
            for port in wanted where !there.contains(where: { Self.leads($0, to: port) }) {
                try Self.say(monitor, "hostfwd_add net\(port.interface) tcp:\(address):0-\(port.privateAddress):\(port.number)")
            }
        }
        try make(ports, at: Self.address)
        try make(probed, at: Self.probeAddress)
        let now = try Self.forwards(monitor).filter { $0.host.address == Self.address }
        return Dictionary(
            ports.compactMap { port in now.first { Self.leads($0, to: port) }.map { (port, $0.host) } }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether the guest takes a connection. QEMU takes it in any case, so QEMU is asked what became of it, again and again with pauses in which
    /// others may ask it.
    func answers(at port: GuestPort, until end: ContinuousClock.Instant) throws -> Bool {
        let forwards = try Self.forwards(MachineMonitor(path: controlSocket))
        guard let place = forwards.first(where: { $0.host.address == Self.probeAddress && Self.leads($0, to: port) })?.host else { return false }
        let connection = GuestConnection(to: place)
        defer { connection.close() }
        var pause: UInt32 = 20_000
        while connection.isOpen, ContinuousClock.now < end {
            let states = try Self.table(MachineMonitor(path: controlSocket)).lines.filter { $0.host == place && $0.state != "HOST_FORWARD" }.map(\.state)
            if states.contains(where: { !UserNetworkTable.opening.contains($0) }) { return true }
            if connection.hasReceived() { return true }
            usleep(pause)
            pause = min(pause * 2, 640_000)
        }
        return false
    }

    private static func forwards(_ monitor: MachineMonitor) throws -> [UserNetworkTable.Line] {
        try table(monitor).lines.filter { $0.state == "HOST_FORWARD" }
    }

    private static func table(_ monitor: MachineMonitor) throws -> UserNetworkTable { UserNetworkTable(try monitor.say("info usernet")) }

    private static func say(_ monitor: MachineMonitor, _ command: String) throws {
        let answer = try monitor.say(command)
        // It says nothing, or that it removed something, unless it fails.
        guard answer.isEmpty || answer.contains("removed") else {
            throw MachineFailure(.system, "QEMU refused '\(command)': \(answer.prefix(200).filter { !$0.isNewline })")
        }
    }

    private static func leads(_ line: UserNetworkTable.Line, to port: GuestPort) -> Bool {
        line.network == "net\(port.interface)" && line.guest == HostEndpoint(address: port.privateAddress, port: port.number)
    }
}

/// A connection of this host to a guest, or to what carries it there.
final class GuestConnection {
    private var descriptor: Int32

    /// - Parameter limit: How long the other side may take to accept it.
    init(to place: HostEndpoint, within limit: Duration = .seconds(10)) {
        func make() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0) }
        descriptor = place.network.map { network in (try? network.within(make)) ?? -1 } ?? make()
        let (seconds, attoseconds) = limit.components
        _ = coffer_set_timeout(descriptor, max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = place.port.bigEndian
        let isAddress = unsafe inet_pton(AF_INET, place.address, &name.sin_addr) == 1
        let status = unsafe withUnsafePointer(to: &name) { name in
            unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        if !isAddress || status != 0 { close() }
    }

    deinit { close() }

    /// Whether neither side has closed it yet.
    var isOpen: Bool { descriptor >= 0 }

    /// Whether the other side has sent something. Notes if it has closed.
    func hasReceived() -> Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { close() }
        return count > 0
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }
}
