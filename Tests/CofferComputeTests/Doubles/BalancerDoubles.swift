import CofferModel
import CofferPlatform
import Synchronization

/// Load balancers that are what a test says.
final class BalancersDouble: LoadBalancers {
    private let ports = Mutex<[BalancedPort]>([])

    func set(_ new: [BalancedPort]) { ports.withLock { $0 = new } }

    func balancedPorts() async throws -> [BalancedPort] { ports.withLock { $0 } }
}

/// Remembers what it is to serve.
final class PortServerDouble: PortServer {
    private let ports = Mutex<[ServedPort]>([])

    var served: [ServedPort] { ports.withLock { $0 } }

    func serve(_ ports: [ServedPort]) async -> [String] {
        self.ports.withLock { $0 = ports }
        return ports.contains { $0.port == 1 } ? ["port 1 cannot be opened"] : []
    }
}
