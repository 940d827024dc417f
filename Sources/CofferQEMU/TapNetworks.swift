import CLinux
import CofferCore
import CofferModel
package import CofferPlatform
import Glibc
import Synchronization

/// Networks of machines as taps: a namespace for each virtual network, in which the host routes between its guests as their security groups
/// allow, and nowhere else. For root alone.
///
/// A tap is there as long as its QEMU. What else there is of a machine, the packet filter's part and a server for DHCP, is found again through
/// the file `taps` in the machine's directory, which is written first and removed last; a namespace goes with its last machine.
package final class TapNetworks: Sendable {
    /// The directory of all machines' directories.
    private let root: String
    private let server: any PortServer
    private let report: @Sendable (String) -> Void
    /// What this process put in place of each machine. Held while something is put in place or taken away.
    private let inPlace = Mutex<[MachineID: [NetworkInterfacePlan]]>([:])
    private let pool = WorkerPool(name: "taps", threads: 1)
    private let turns = Turns()
    private let served = Mutex<[MachineID: [ServedPort]]>([:])

    /// - Parameters:
    ///   - root: The directory of all machines' directories, `DATA/run/vm`.
    ///   - server: Serves the ports of public addresses, and nothing else.
    ///   - report: Takes lines for the log.
    package init(root: String, server: any PortServer, report: @escaping @Sendable (String) -> Void) {
        self.root = root
        self.server = server
        self.report = report
    }

    /// Why there can be no taps here, in a sentence that says what to do; nil if there can, which is tried.
    package static var obstacle: String? {
        guard geteuid() == 0 else { return "Taps and namespaces are root's: run coffer serve as root, or with --network user." }
        let missing = ["ip", "nft", "dnsmasq"].filter { !QEMUHost.isInstalled($0) }
        guard missing.isEmpty else { return "Not in the PATH: \(missing.joined(separator: ", ")). Install them: apt-get install iproute2 nftables dnsmasq-base" }
        guard unsafe access("/dev/net/tun", R_OK | W_OK) == 0 else { return "/dev/net/tun cannot be opened: load the kernel module tun." }
        let network = NetworkNamespace("coffer-trial-\(getpid())")
        do throws(MachineFailure) {
            try run("ip", "netns", "add", network.name)
            defer { try? run("ip", "netns", "delete", network.name) }
            try run("ip", "netns", "exec", network.name, "sh", "-euc", networkScript)
            Glibc.close(try openTap("trial", in: network))
            try run("ip", "netns", "exec", network.name, "nft", TapRules.base)
            return nil
        } catch {
            return "This host does not allow it: \(error.message). Run coffer serve with --network user."
        }
    }

    /// Makes the taps of a machine, whose process is not there, in place of those that an earlier one had.
    ///
    /// - Returns: A file for each, which the caller closes.
    /// - Throws: ``MachineFailure``; then nothing of them is left.
    func open(_ interfaces: [NetworkInterfacePlan], of files: MachineFiles) throws(MachineFailure) -> [Int32] {
        var taps: [Int32] = []
        let failure = inPlace.withLock { inPlace -> MachineFailure? in
            clear(files)
            guard !interfaces.isEmpty else { return nil }
            let cards = self.cards(interfaces, of: files)
            do throws(MachineFailure) {
                try files.write(taps: cards)
                for (card, interface) in zip(cards, interfaces) {
                    taps.append(try make(card, interface))
                    try apply(TapRules.add(card, interface.filter), card, files)
                    try DHCPServer(card, files).serve(interface)
                }
                inPlace[files.machine] = interfaces
                return nil
            } catch {
                for tap in taps { Glibc.close(tap) }
                clear(files)
                return error
            }
        }
        if let failure { throw failure }
        return taps
    }

    /// Has what a machine that runs may reach, who may reach it, and the ports of its public addresses be as planned.
    func follow(_ interfaces: [NetworkInterfacePlan], of files: MachineFiles) async throws {
        try await pool.run { [self] in try put(interfaces, files) }
        await serve(ports(of: interfaces, files), of: files)
    }

    private func put(_ interfaces: [NetworkInterfacePlan], _ files: MachineFiles) throws {
        try inPlace.withLock { inPlace in
            // Another turn may have stopped it meanwhile.
            let taps = files.taps
            guard files.process != nil, !taps.isEmpty else { return }
            for (card, interface) in zip(cards(interfaces, of: files), interfaces) where taps.contains(card) {
                let isNew = inPlace[files.machine]?.contains(interface) != true
                if isNew { try apply(TapRules.add(card, interface.filter), card, files) }
                let server = DHCPServer(card, files)
                if server.process == nil { try server.serve(interface) }
            }
            inPlace[files.machine] = interfaces
        }
    }

    /// Takes away what there is of a machine whose process has ended.
    func close(_ files: MachineFiles) async {
        try? await pool.run { [self] in
            inPlace.withLock { inPlace in
                inPlace[files.machine] = nil
                clear(files)
            }
        }
        await serve([], of: files)
    }

    private func cards(_ interfaces: [NetworkInterfacePlan], of files: MachineFiles) -> [TapCard] {
        interfaces.enumerated().map { TapCard($1, $0, of: files.machine, root: root) }
    }

    // MARK: Ports of public addresses

    private func ports(of interfaces: [NetworkInterfacePlan], _ files: MachineFiles) -> [ServedPort] {
        zip(cards(interfaces, of: files), interfaces).flatMap { card, interface -> [ServedPort] in
            guard let address = interface.publicAddress else { return [] }
            return interface.openPorts.filter { $0.transport == .tcp }.map { port in
                let endpoint = HostEndpoint(address: interface.privateAddress, port: port.number, in: card.network)
                return ServedPort(
                    address: address, port: port.number, targets: [ServedPort.Target(name: interface.id.key, endpoint: endpoint)], manner: .plain)
            }
        }
    }

    private func serve(_ ports: [ServedPort], of files: MachineFiles) async {
        let isNew = served.withLock { served in
            // None of a machine whose taps another turn took away meanwhile.
            let ports = files.taps.isEmpty ? [] : ports
            guard served[files.machine] ?? [] != ports else { return false }
            served[files.machine] = ports.isEmpty ? nil : ports
            return true
        }
        guard isNew else { return }
        try? await turns.take("ports") {
            let all = served.withLock { $0.values.flatMap(\.self) }
            for remark in await server.serve(all) { report("public addresses: \(remark)") }
        }
    }

    // MARK: What there is of a machine

    /// Makes a tap, in a namespace that is made if it is not there.
    private func make(_ card: TapCard, _ interface: NetworkInterfacePlan) throws(MachineFailure) -> Int32 {
        if !card.network.exists { try Self.run("ip", "netns", "add", card.network.name) }
        // Also of one that is there: what made it may have ended in between.
        try Self.run("ip", "netns", "exec", card.network.name, "sh", "-euc", Self.networkScript)
        let tap = try Self.openTap(card.device, in: card.network)
        do throws(MachineFailure) {
            try Self.run("ip", "netns", "exec", card.network.name, "sh", "-euc", Self.deviceScript, "sh", card.device, interface.gateway, card.address)
        } catch {
            Glibc.close(tap)
            throw error
        }
        return tap
    }

    private static func openTap(_ device: String, in network: NetworkNamespace) throws(MachineFailure) -> Int32 {
        let tap: Int32
        let code: Int32
        do {
            (tap, code) = try network.within {
                let tap = unsafe coffer_open_tap(device)
                return (tap, tap < 0 ? errno : 0)
            }
        } catch {
            let reason = (error as? NetworkNamespace.Failure).map { unsafe String(cString: strerror($0.code)) } ?? "\(error)"
            throw MachineFailure(.system, "the network \(network.name) cannot be entered: \(reason)")
        }
        guard tap >= 0 else { throw MachineFailure(.system, "the tap \(device) cannot be made: \(unsafe String(cString: strerror(code)))") }
        return tap
    }

    private func clear(_ files: MachineFiles) {
        let cards = files.taps
        guard !cards.isEmpty else { return }
        for card in cards {
            DHCPServer(card, files).stop()
            guard card.network.exists else { continue }
            do {
                try apply(TapRules.remove(card), card, files)
            } catch {
                report("machine \(files.machine.text): \(error.message)")
            }
        }
        files.removeTaps()
        let used = Set(MachineFiles.all(in: root).flatMap(\.taps).map(\.network))
        for network in Set(cards.map(\.network)) where !used.contains(network) && network.exists {
            do {
                try Self.run("ip", "netns", "delete", network.name)
            } catch {
                report("network \(network.name): \(error.message)")
            }
        }
    }

    private func apply(_ rules: String, _ card: TapCard, _ files: MachineFiles) throws(MachineFailure) {
        let path = try files.write(rules: rules, of: card)
        try Self.run("ip", "netns", "exec", card.network.name, "nft", "-f", path)
    }

    private static func run(_ words: String...) throws(MachineFailure) {
        let result: ProgramResult
        do {
            result = try ProgramStart(words, family: .group).run()
        } catch {
            throw MachineFailure(.system, "\(words[0]) cannot be started: \(unsafe String(cString: strerror(error.code)))")
        }
        guard result.status != 0 else { return }
        let line = result.text.split(whereSeparator: \.isNewline).first.map { String($0.prefix(300)) }
        throw MachineFailure(.system, "'\(words.prefix(5).joined(separator: " "))' failed: \(line ?? "status \(result.status)")")
    }

    /// IPv4 alone: no other address is given out.
    private static let networkScript = """
        ip link set lo up
        echo 1 > /proc/sys/net/ipv4/ip_forward
        echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6
        """

    /// The host is the gateway on each tap, and answers for all other guests there, as no link leads to more than one guest.
    private static let deviceScript = """
        ip link set "$1" up
        ip address replace "$2/32" dev "$1"
        ip route replace "$3/32" dev "$1" src "$2"
        echo 1 > "/proc/sys/net/ipv4/conf/$1/proxy_arp"
        echo 0 > "/proc/sys/net/ipv4/neigh/$1/proxy_delay"
        """
}

extension BalancingManner {
    /// Of a port of a public address: a connection lasts as long as both sides like, and a day without a byte.
    fileprivate static let plain = BalancingManner(keepsClients: false, idleLimit: .seconds(86_400), resetsIdle: false)
}
