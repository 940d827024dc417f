import CLinux
import Glibc

/// Threads of the operating system, for loops that block: a connection's data path, a pool's worker.
package enum PosixThread {
    /// Starts a detached thread that runs `body` once.
    ///
    /// - Parameter name: What tools show for it; cut to 15 bytes.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) {
        let box = unsafe Unmanaged.passRetained(Body(name: name, run: body))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let status = unsafe pthread_create(&thread, &attributes, { argument in
            guard let argument = unsafe argument else { return nil }
            let body = unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
            unsafe coffer_name_thread(body.name)
            body.run()
            return nil
        }, box.toOpaque())
        unsafe pthread_attr_destroy(&attributes)
        precondition(status == 0, "the system gives no more threads")
    }

    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(name: String, run: @escaping @Sendable () -> Void) {
            self.name = String(name.prefix(15))
            self.run = run
        }
    }
}
