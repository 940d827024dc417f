import CofferCore
import Foundation

/// The demo's throwaway directory. Every process that the demo starts, and what those start, carries its path in the
/// environment, so that all of them can be found and ended with it.
struct DemoDirectory: Sendable {
    static let variable = "COFFER_DEMO_DIRECTORY"

    /// Short, because the paths of Unix sockets below it may have no more than 107 bytes.
    let path: String
    let isKept: Bool

    init(isKept: Bool) throws {
        let template = "/tmp/coffer-demo-"
        let name = template + UUID().uuidString.prefix(6).lowercased()
        try FileManager.default.createDirectory(
            atPath: name, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700]
        )
        path = name
        self.isKept = isKept
    }

    /// The data directory of the demo's Coffer.
    var data: String { path + "/data" }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Ends all processes of the demo and removes the directory, unless it is to be kept.
    func remove() {
        endProcesses()
        if isKept {
            DemoTerminal.line("\nKept: \(path)")
        } else {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    /// Does the same when the person presses Ctrl-C, and ends the demo.
    func removeOnInterrupt() {
        Interrupt.catchSignals { signal in
            DemoTerminal.line("\nInterrupted: cleaning up.")
            remove()
            exit(128 + signal)
        }
    }

    private func endProcesses() {
        // What obeys SIGTERM gets the time to sync and to end its own children.
        for (signal, patience) in [(SIGTERM, 5.0), (SIGKILL, 2.0)] {
            for process in processes() { kill(process, signal) }
            let deadline = Date(timeIntervalSinceNow: patience)
            while Date() < deadline {
                if processes().isEmpty { return }
                usleep(50_000)
            }
        }
    }

    /// The running processes that were started by this demo, however indirectly.
    private func processes() -> [pid_t] {
        let own = getpid()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { $0 != own && isOurs($0) }
    }

    private func isOurs(_ process: pid_t) -> Bool {
        let mark = Data("\(Self.variable)=\(path)".utf8)
        if contents("/proc/\(process)/environ").range(of: mark) != nil { return !isZombie(process) }
        return contents("/proc/\(process)/cmdline").range(of: Data("\(path)/".utf8)) != nil && !isZombie(process)
    }

    private func isZombie(_ process: pid_t) -> Bool {
        contents("/proc/\(process)/stat").range(of: Data(") Z ".utf8)) != nil
    }

    private func contents(_ path: String) -> Data {
        FileManager.default.contents(atPath: path) ?? Data()
    }
}
