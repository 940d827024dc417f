import CLinux

/// A handshake on a socket: does what a ``HandshakeMachine`` says, until a deadline.
struct Handshake {
    /// What there is to be had.
    struct Offers {
        let find: (String) -> HandshakeMachine.Offer
        let list: () -> [String]
    }

    private let socket: Int32
    private let deadline: ContinuousClock.Instant
    private var machine: HandshakeMachine
    /// Whether the client asked for TLS, and gets it now.
    private(set) var awaitsTLS = false

    init(socket: Int32, deadline: ContinuousClock.Instant, demandsTLS: Bool) {
        self.socket = socket
        self.deadline = deadline
        machine = HandshakeMachine(demandsTLS: demandsTLS)
    }

    /// What is left of the time.
    var milliseconds: Int {
        let left = (deadline - .now).components
        return Int(left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000)
    }

    /// Tells that TLS was laid over the connection.
    mutating func secured() {
        awaitsTLS = false
        machine.secured()
    }

    /// - Returns: What was agreed on, or nil at the end of the connection or where TLS begins.
    mutating func run(over stream: some ByteStream, with offers: Offers) -> HandshakeMachine.Agreement? {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            switch machine.next() {
            case .send(let bytes):
                guard unsafe bytes.withUnsafeBytes({ unsafe stream.send($0) }) else { return nil }
            case .receive:
                let milliseconds = milliseconds
                guard milliseconds > 0 else { return nil }
                _ = coffer_set_timeout(socket, milliseconds)
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe stream.receive(into: $0) }
                guard count > 0 else { return nil }
                machine.receive(buffer[..<count])
            case .find(let name): machine.found(offers.find(name))
            case .list: machine.listed(offers.list())
            case .secure:
                awaitsTLS = true
                return nil
            case .transmit(let agreement):
                _ = coffer_set_timeout(socket, 0)
                return agreement
            case .end: return nil
            }
        }
    }
}
