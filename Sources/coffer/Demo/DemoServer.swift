import Foundation

/// The demo's own `coffer serve`.
final class DemoServer {
    private let process: Process

    /// Starts it on a free port, with a token if there is one, and waits until it is ready.
    init(tools: DemoTools, token: DemoToken?) throws(DemoFailure) {
        let port = Self.freePort()
        let arguments = ["serve", "--data", tools.directory.data, "--port", String(port)] + (token?.serveArguments ?? [])
        DemoTerminal.command(["coffer"] + arguments, suffix: " &")
        let output = tools.directory.file("serve.out")
        let errors = tools.directory.file("serve.log")
        let started = Date()
        process = try tools.start(tools.coffer, arguments, output: output, errors: errors)
        while true {
            let ready = DemoTools.text(output).split(separator: "\n").first { $0.hasPrefix("ready") }
            if let ready {
                DemoTerminal.evidence("after \(Self.seconds(since: started))", String(ready))
                return
            }
            let last = DemoTools.text(errors).split(separator: "\n").suffix(5).joined(separator: "\n")
            try DemoFailure.unless(process.isRunning, "coffer serve ended with status \(process.terminationStatus):\n\(last)")
            try DemoFailure.unless(Date().timeIntervalSince(started) < 60, "coffer serve is not ready after 60 s:\n\(last)")
            usleep(20_000)
        }
    }

    static func seconds(since start: Date) -> String {
        String(format: "%.1f s", Date().timeIntervalSince(start))
    }

    /// A TCP port of the loopback interface that nobody has now. Not one of those that outgoing connections are given.
    private static func freePort() -> UInt16 {
        for port in (UInt16(20_000)..<30_000).shuffled() where isFree(port) { return port }
        return 8443
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) == 0 }
        }
    }
}
