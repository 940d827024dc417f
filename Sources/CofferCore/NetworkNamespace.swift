import CLinux
import Glibc

/// A network of this host beside its usual one (network_namespaces(7)), by the name that ip-netns(8) knows it by.
package struct NetworkNamespace: Hashable, Sendable {
    /// Why a network could not be entered.
    package struct Failure: Error, Sendable {
        /// Of the system: see errno(3).
        package let code: Int32
    }

    package let name: String

    package init(_ name: String) { self.name = name }

    package var path: String { "/run/netns/\(name)" }

    package var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Runs `body` in this network, on the calling thread: sockets and devices that it makes stay there.
    ///
    /// - Throws: ``Failure``, and what `body` throws.
    package func within<R>(_ body: () throws -> R) throws -> R {
        let before = unsafe coffer_enter_network(path)
        guard before >= 0 else { throw Failure(code: errno) }
        defer { coffer_leave_network(before) }
        return try body()
    }
}
