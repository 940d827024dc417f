import CofferPlatform
import Synchronization

/// Remembers what was to be served last.
final class PortServerDouble: PortServer {
    private let ports = Mutex<[ServedPort]>([])

    var served: [ServedPort] { ports.withLock { $0 } }

    func serve(_ ports: [ServedPort]) async -> [String] {
        self.ports.withLock { $0 = ports }
        return []
    }
}
