import CofferCore
import CofferPlatform
import Glibc

/// A dnsmasq that gives one guest its address, at its tap, and no name server: it goes on while `coffer serve` is away.
struct DHCPServer {
    private let card: TapCard
    private let directory: String
    private let processFile: String
    private let log: String

    init(_ card: TapCard, _ files: MachineFiles) {
        self.card = card
        directory = files.directory
        processFile = files.file(of: card, "pid")
        log = files.file(of: card, "log")
    }

    /// The process; nil if there is none. One of the same number that serves something else is not taken for it.
    var process: pid_t? { MachineFiles.process(in: processFile, saying: "--interface=\(card.device)") }

    /// Starts one.
    ///
    /// - Throws: ``MachineFailure``.
    func serve(_ interface: NetworkInterfacePlan) throws(MachineFailure) {
        let routes = interface.addressSpace.map { "\($0),\(interface.gateway)" }.joined(separator: ",")
        do {
            let process = try DetachedProcess.start([
                "ip", "netns", "exec", card.network.name, "dnsmasq", "--conf-file=/dev/null", "--keep-in-foreground", "--user=nobody", "--group=nogroup",
                "--pid-file=\(processFile)", "--log-facility=-", "--no-hosts", "--no-resolv", "--port=0", "--interface=\(card.device)", "--bind-interfaces",
                "--dhcp-range=\(interface.subnetFirst),static,\(interface.subnetMask),infinite",
                "--dhcp-host=\(interface.macAddress),\(card.address)", "--dhcp-option=option:router", "--dhcp-option=option:dns-server",
                "--dhcp-option=option:classless-static-route,\(routes)", "--dhcp-authoritative", "--leasefile-ro",
            ], in: directory, log: log)
            QEMUHost.children.add(process)
        } catch {
            throw MachineFailure(.system, "cannot \(error.what): \(unsafe String(cString: strerror(error.code)))")
        }
        for _ in 0..<200 {
            if process != nil { return }
            usleep(10_000)
        }
        throw MachineFailure(.system, "dnsmasq did not start; see \(log)")
    }

    /// Ends it, if it is there.
    func stop() {
        guard let process else { return }
        _ = kill(process, SIGTERM)
        for round in 0..<200 {
            guard self.process != nil else { return }
            if round == 100 { _ = kill(process, SIGKILL) }
            QEMUHost.children.reap()
            usleep(10_000)
        }
    }
}
