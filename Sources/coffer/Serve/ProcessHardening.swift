import CLinux
import Glibc

/// Keeps what this process holds from being written to disk or read by its neighbours.
enum ProcessHardening {
    static func apply() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
        _ = coffer_forbid_dumps()
        umask(0o077)
        // A client that closes early must not end the server.
        signal(SIGPIPE, SIG_IGN)
    }
}
