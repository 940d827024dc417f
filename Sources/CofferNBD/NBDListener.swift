package import CofferCrypto
import Glibc
import Synchronization

/// A TCP socket on which an ``NBDServer`` takes connections with TLS.
package final class NBDListener: Sendable {
    package let port: UInt16
    let descriptor: Int32
    private let current: Mutex<TLSContext>
    private let stopped = Atomic<Bool>(false)

    init(descriptor: Int32, port: UInt16, _ context: TLSContext) {
        self.descriptor = descriptor
        self.port = port
        current = Mutex(context)
    }

    /// What later connections are made with.
    var context: TLSContext { current.withLock { $0 } }

    var isStopped: Bool { stopped.load(ordering: .sequentiallyConsistent) }

    /// Has later connections made with another certificate, or other authorities.
    package func use(_ context: TLSContext) {
        current.withLock { $0 = context }
    }

    /// Takes no more connections. Those that there are go on.
    package func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    deinit { close(descriptor) }
}
