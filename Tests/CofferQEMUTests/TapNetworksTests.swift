import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Glibc
import Testing

@testable import CofferQEMU

/// With real namespaces, taps, packet filters and servers for DHCP, which are root's.
@Suite("Taps", .serialized, .enabled(if: TapNetworks.obstacle == nil, "needs root, iproute2, nftables and dnsmasq-base"))
struct TapNetworksTests {
    private let root = "/tmp/coffer-taps-\(UUID().uuidString)"
    private let server = PortServerDouble()
    private let id = ResourceID(subscription: "s", group: "g", namespace: "Microsoft.Network", type: "networkInterfaces", name: "n")

    init() throws { try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true) }

    private func networks() -> TapNetworks { TapNetworks(root: root, server: server) { Issue.record("\($0)") } }

    private func newFiles() throws -> MachineFiles {
        let files = MachineFiles(try #require(MachineID(UUID().uuidString)), in: root)
        try files.prepare()
        return files
    }

    private func within(_ network: NetworkNamespace, _ words: String...) throws -> String {
        try ToolProcess.run(["ip", "netns", "exec", network.name] + words).text
    }

    private static func rule(
        _ allows: Bool, _ transport: InterfaceFilter.Rule.Transport, _ ports: [ClosedRange<UInt16>], from sources: [String] = ["0.0.0.0/0"]
    ) -> InterfaceFilter.Rule {
        InterfaceFilter.Rule(
            allows: allows, transport: transport, sourcePorts: [0...UInt16.max], destinationPorts: ports, sources: sources, destinations: ["0.0.0.0/0"])
    }

    @Test("Guests of a virtual network share a namespace, which goes with the last of them, also if another process made it")
    func life() async throws {
        let (first, second, other) = (try newFiles(), try newFiles(), try newFiles())
        let networks = networks()
        let one = NetworkInterfacePlan.sample(id)
        let two = NetworkInterfacePlan.sample(id, privateAddress: "10.0.0.5")
        for (files, plan) in [(first, one), (second, two), (other, .sample(id, network: "w"))] {
            let taps = try networks.open([plan], of: files)
            #expect(taps.count == 1)
            for tap in taps { close(tap) }
        }
        let card = try #require(first.taps.first)
        #expect(second.taps.map(\.network) == [card.network])
        #expect(other.taps.allSatisfy { $0.network != card.network && $0.network.exists })
        let rules = try within(card.network, "nft", "list", "ruleset")
        #expect(rules.contains("\"\(card.device)\" . 10.0.0.4") && rules.contains(". 10.0.0.5"))
        #expect(DHCPServer(card, first).process != nil)
        await networks.close(first)
        #expect(DHCPServer(card, first).process == nil)
        #expect(try within(card.network, "nft", "list", "ruleset").contains(card.device) == false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: first.directory) == [])
        await self.networks().close(second)
        await self.networks().close(other)
        #expect(!card.network.exists)
        #expect(try ToolProcess.run(["ip", "netns", "list"]).text.contains(TapCard.prefix(root)) == false)
        try FileManager.default.removeItem(atPath: root)
    }

    @Test("What groups allow is what the packet filter says, whichever way they say it")
    func rules() async throws {
        let files = try newFiles()
        let groups = [
            [
                Self.rule(true, .tcp, [22...22, 8000...8010], from: ["10.0.0.0/24", "10.0.1.7/32"]), Self.rule(false, .icmp, [0...UInt16.max]),
                Self.rule(true, .any, [53...53]), Self.rule(true, .udp, [0...UInt16.max]),
            ],
            [Self.rule(true, .esp, [1...2]), Self.rule(true, .ah, [0...UInt16.max]), Self.rule(true, .any, [0...UInt16.max])],
        ]
        let plan = NetworkInterfacePlan.sample(id, filter: InterfaceFilter(inbound: groups, outbound: [groups[1]]))
        for tap in try networks().open([plan], of: files) { close(tap) }
        let card = try #require(files.taps.first)
        let text = try within(card.network, "nft", "list", "table", "inet", "coffer")
        for line in [
            "ip saddr { 10.0.0.0/24, 10.0.1.7 } tcp dport { 22, 8000-8010 } return", "meta l4proto icmp drop", "meta l4proto { tcp, udp } th dport 53 return",
            "meta l4proto udp return", "meta l4proto esp return", "jump \(card.device)_in_0", "jump \(card.device)_in_1", "jump \(card.device)_out_0",
        ] { #expect(text.contains(line), "\(line) is missing from \(text)") }
        await networks().close(files)
        try FileManager.default.removeItem(atPath: root)
    }

    @Test("A machine that does not get its taps leaves nothing")
    func failure() async throws {
        let files = try newFiles()
        let bad = NetworkInterfacePlan.sample(id, privateAddress: "10.0.0.400")
        let networks = TapNetworks(root: root, server: server) { _ in }
        #expect(throws: MachineFailure.self) { try networks.open([.sample(id), bad], of: files) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: files.directory) == [])
        #expect(try ToolProcess.run(["ip", "netns", "list"]).text.contains(TapCard.prefix(root)) == false)
        try FileManager.default.removeItem(atPath: root)
    }

    @Test("QEMU runs with a tap until it is stopped; ports of the public address and of load balancers lead into its network")
    func machine() async throws {
        let machine = try #require(MachineID(UUID().uuidString))
        let files = MachineFiles(machine, in: root)
        func host() -> QEMUHost {
            QEMUHost(
                root: root, acceleration: MachineAcceleration(.tcg, reason: "tests"), relay: GuestRelay(program: "/bin/true", endpointPort: 8443),
                taps: networks(), startsWithTaps: true, report: { _ in })
        }
        let first = host()
        let interface = NetworkInterfacePlan.sample(id, publicAddress: "127.42.99.5", openPorts: [OpenPort(.tcp, 22), OpenPort(.udp, 53)])
        let plan = MachinePlan(
            id: machine, name: "m", memoryMebibytes: 64, processors: 1, firmware: .bios, disks: [], interfaces: [interface], metadataPath: root + "/metadata.sock")
        try await first.start(plan)
        let card = try #require(files.taps.first)
        #expect(try within(card.network, "ip", "-br", "link").contains(card.device))
        let endpoint = HostEndpoint(address: "10.0.0.4", port: 22, in: card.network)
        #expect(server.served.map(\.port) == [22] && server.served.first?.targets.map(\.endpoint) == [endpoint])
        let port = GuestPort(interface: 0, privateAddress: "10.0.0.4", number: 22)
        #expect(try await first.reach([port], probing: [port], of: machine) == [port: endpoint])
        #expect(await !first.answers(at: port, of: machine, within: .milliseconds(200)))
        // A server that was started anew puts everything in place again, and follows what has changed.
        let second = host()
        let pid = try #require(DHCPServer(card, files).process)
        kill(pid, SIGKILL)
        for _ in 0..<200 where DHCPServer(card, files).process != nil { try await Task.sleep(for: .milliseconds(10)) }
        let changed = NetworkInterfacePlan.sample(
            id, publicAddress: "127.42.99.5", openPorts: [OpenPort(.tcp, 80)], filter: InterfaceFilter(inbound: [[Self.rule(true, .tcp, [80...80])]]))
        try await second.follow([changed], of: machine)
        #expect(DHCPServer(card, files).process != nil)
        #expect(server.served.map(\.port) == [80])
        #expect(try within(card.network, "nft", "list", "ruleset").contains("tcp dport 80 return"))
        try await second.perform(.stop(grace: .zero), on: machine)
        #expect(server.served.isEmpty)
        #expect(!card.network.exists)
        try await second.follow([changed], of: machine)
        #expect(!card.network.exists && server.served.isEmpty, "what has been stopped meanwhile is not put in place again")
        // One that ended by itself, and is forgotten.
        try await second.start(plan)
        kill(try #require(files.process), SIGKILL)
        for _ in 0..<500 where files.process != nil { try await Task.sleep(for: .milliseconds(10)) }
        #expect(card.network.exists)
        try await second.perform(.forget, on: machine)
        #expect(!card.network.exists && server.served.isEmpty)
        try FileManager.default.removeItem(atPath: root)
    }
}
