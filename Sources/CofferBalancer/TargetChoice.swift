import CofferPlatform
import Synchronization

/// The targets of one port, from which each connection gets one.
final class TargetChoice: Sendable {
    private let served: Mutex<ServedPort>

    init(_ port: ServedPort) {
        served = Mutex(port)
    }

    func set(_ port: ServedPort) { served.withLock { $0 = port } }

    var manner: BalancingManner { served.withLock { $0.manner } }

    /// The target for a connection; nil if there is none.
    ///
    /// - Parameters:
    ///   - client: The client's address.
    ///   - clientPort: Its port.
    func target(for client: String, port clientPort: Int) -> ServedPort.Target? {
        let port = served.withLock { $0 }
        let who = port.manner.keepsClients ? client : "\(client):\(clientPort)"
        // The target that weighs most for this client: when another comes or goes, only its own clients move.
        return port.targets.max { Self.weight($0.name, who) < Self.weight($1.name, who) }
    }

    /// FNV-1a, and then a mixer, as the last bytes would else hardly count.
    private static func weight(_ target: String, _ client: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "\(target)|\(client)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 33
        hash = hash &* 0xFF51_AFD7_ED55_8CCD
        hash ^= hash >> 33
        hash = hash &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ (hash >> 33)
    }
}
