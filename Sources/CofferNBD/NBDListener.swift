package import CofferCrypto
import Glibc
import Synchronization

/// A TCP socket on which an ``NBDServer`` takes connections with TLS.
package final class NBDListener: Sendable {
    package let port: UInt16
    let descriptor: Int32
    private let current: Mutex<Terms>
    private let stopped = Atomic<Bool>(false)

    private struct Terms {
        var context: TLSContext
        /// The SHA-256 of certificates that were taken back.
        var revoked: Set<[UInt8]>
    }

    init(descriptor: Int32, port: UInt16, _ context: TLSContext, revoked: Set<[UInt8]>) {
        self.descriptor = descriptor
        self.port = port
        current = Mutex(Terms(context: context, revoked: revoked))
    }

    /// What later connections are made with.
    var context: TLSContext { current.withLock { $0.context } }

    func refuses(_ certificate: Certificate) -> Bool { current.withLock { $0.revoked.contains(certificate.fingerprint) } }

    var isStopped: Bool { stopped.load(ordering: .sequentiallyConsistent) }

    /// Has later connections made with another certificate, or other authorities, and without certificates that were taken back.
    ///
    /// - Parameter revoked: Their SHA-256.
    package func use(_ context: TLSContext, revoked: Set<[UInt8]>) {
        current.withLock { $0 = Terms(context: context, revoked: revoked) }
    }

    /// Takes no more connections. Those that there are go on.
    package func stop() {
        stopped.store(true, ordering: .sequentiallyConsistent)
        _ = shutdown(descriptor, Int32(SHUT_RDWR))
    }

    deinit { close(descriptor) }
}
