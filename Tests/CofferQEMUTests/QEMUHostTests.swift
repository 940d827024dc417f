import CofferModel
import CofferPlatform
import Foundation
import Glibc
import Testing

@testable import CofferQEMU

/// With real QEMU processes, whose machines have no disk to start from.
@Suite("QEMU", .serialized)
struct QEMUHostTests {
    let root = FileManager.default.temporaryDirectory.appendingPathComponent("coffer-qemu-\(UUID().uuidString)").path
    let machine: MachineID

    init() throws {
        machine = try #require(MachineID(UUID().uuidString))
    }

    private func host() -> QEMUHost {
        QEMUHost(
            root: root, acceleration: MachineAcceleration(.tcg, reason: "tests"), relay: GuestRelay(program: "/bin/true", endpointPort: 8443),
            taps: TapNetworks(root: root, server: PortServerDouble()) { _ in }, startsWithTaps: false, report: { _ in })
    }

    private func plan(disks: [MachineDisk] = [], interfaces: [NetworkInterfacePlan] = [], memory: Int = 64) -> MachinePlan {
        MachinePlan(
            id: machine, name: "a,b", memoryMebibytes: memory, processors: 1, firmware: .bios, disks: disks, interfaces: interfaces,
            metadataPath: root + "/it's, here/metadata.sock")
    }

    private func clear() async throws {
        try await host().perform(.stop(grace: .zero), on: machine)
        try await host().perform(.forget, on: machine)
        try? FileManager.default.removeItem(atPath: root)
    }

    @Test("A machine runs until it is stopped, also for a host that did not start it, and leaves nothing")
    func life() async throws {
        try await host().start(plan())
        #expect(await host().isRunning(machine))
        #expect(await host().acceleration(of: machine) == MachineAcceleration(.tcg, reason: "tests"))
        let pid = try #require(MachineFiles(machine, in: root).process)
        try await host().start(plan())
        #expect(MachineFiles(machine, in: root).process == pid)
        try await host().perform(.stop(grace: .zero), on: machine)
        #expect(await !host().isRunning(machine))
        try await host().perform(.forget, on: machine)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root) == [])
        try await clear()
    }

    @Test("A machine that was killed does not run, and can be started again")
    func crash() async throws {
        let host = host()
        try await host.start(plan())
        let pid = try #require(MachineFiles(machine, in: root).process)
        kill(pid, SIGKILL)
        for _ in 0..<100 where await host.isRunning(machine) { try await Task.sleep(for: .milliseconds(20)) }
        #expect(await !host.isRunning(machine))
        await #expect(throws: MachineFailure(.notRunning, "the machine does not run")) { try await host.perform(.unplug("lun1"), on: machine) }
        try await host.start(plan())
        #expect(await host.isRunning(machine))
        try await clear()
    }

    @Test("Another process of the number in a machine's file is not taken for the machine")
    func foreignProcess() async throws {
        let files = MachineFiles(machine, in: root)
        try files.prepare()
        try "\(getpid())\n".write(toFile: files.directory + "/pid", atomically: false, encoding: .utf8)
        #expect(files.process == nil)
        try await clear()
    }

    @Test("What QEMU cannot do is told in its words, and leaves no process")
    func refusals() async throws {
        let lost = MachineDisk(name: "os", export: DiskExport(socketPath: "/nowhere", name: "x", vhostPath: "/nowhere/vhost"))
        await #expect(throws: MachineFailure.self) { try await host().start(plan(disks: [lost])) }
        let failure = await #expect(throws: MachineFailure.self) { try await host().start(plan(memory: 1 << 40)) }
        #expect(failure?.message.contains("QEMU ended as it started") == true)
        #expect(await !host().isRunning(machine))
        try await host().start(plan())
        await #expect(throws: MachineFailure.self) { try await host().perform(.plug(lost), on: machine) }
        await #expect(throws: MachineFailure.self) { try await host().perform(.unplug("lun1"), on: machine) }
        #expect(await host().isRunning(machine))
        try await clear()
    }

    @Test("Ports of the public address lead to the guest; one that another has is left out")
    func ports() async throws {
        let taken = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(taken) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = UInt16(18_022).bigEndian
        let parsed = unsafe inet_pton(AF_INET, "127.42.99.4", &place.sin_addr)
        #expect(parsed == 1)
        let bound = unsafe withUnsafePointer(to: &place) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(taken, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(bound == 0 && listen(taken, 1) == 0)
        let id = ResourceID(subscription: "s", group: "g", namespace: "Microsoft.Network", type: "networkInterfaces", name: "n")
        let interface = NetworkInterfacePlan.sample(
            id, publicAddress: "127.42.99.4", openPorts: [OpenPort(.tcp, 18_022), OpenPort(.tcp, 18_023), OpenPort(.udp, 18_024)])
        let planned = PortForward.plan(interface)
        #expect(planned.ports.map(\.hostPort) == [18_023, 18_024])
        #expect(planned.remarks.count == 1 && planned.remarks[0].contains("127.42.99.4:18022/tcp"))
        try await host().start(plan(interfaces: [interface]))
        #expect(PortForward.plan(interface).ports.isEmpty)
        try await clear()
    }

    @Test("Ports are made reachable while a machine runs, found again by another host, and taken back; a guest that is not there answers no probe")
    func reach() async throws {
        let id = ResourceID(subscription: "s", group: "g", namespace: "Microsoft.Network", type: "networkInterfaces", name: "n")
        let interface = NetworkInterfacePlan.sample(id)
        let ports = [22, 80].map { GuestPort(interface: 0, privateAddress: "10.0.0.4", number: $0) }
        await #expect(throws: MachineFailure(.notRunning, "the machine does not run")) { try await host().reach(Set(ports), probing: [], of: machine) }
        try await host().start(plan(interfaces: [interface]))
        let first = try await host().reach(Set(ports), probing: [ports[0]], of: machine)
        #expect(first.count == 2 && Set(first.values.map(\.port)).count == 2 && first.values.allSatisfy { $0.address == "127.0.0.1" })
        #expect(try await host().reach(Set(ports), probing: [ports[0]], of: machine) == first)
        let endpoint = try #require(first[ports[1]])
        #expect(GuestConnection(to: endpoint).isOpen)
        #expect(await !host().answers(at: ports[0], of: machine, within: .milliseconds(300)))
        #expect(await !host().answers(at: ports[1], of: machine, within: .milliseconds(300)))
        #expect(try await host().reach([ports[0]], probing: [], of: machine) == first.filter { $0.key == ports[0] })
        #expect(!GuestConnection(to: endpoint).isOpen)
        await #expect(throws: MachineFailure.self) {
            try await host().reach([GuestPort(interface: 7, privateAddress: "10.0.0.4", number: 1)], probing: [], of: machine)
        }
        try await clear()
    }

    @Test("A console log keeps its last part")
    func console() throws {
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        let log = ConsoleLog(path: root + "/console.log")
        #expect(log.read().isEmpty)
        let line = Array(String(repeating: "x", count: 99).utf8) + [10]
        for _ in 0..<30_000 { log.append(line) }
        log.append(Array("end".utf8))
        #expect(log.read().count == 1 << 20)
        #expect(log.read().suffix(3) == Array("end".utf8))
        let size = try #require(FileManager.default.attributesOfItem(atPath: log.path)[.size] as? Int)
        #expect(size <= 2 << 20 + 100)
    }

    @Test("A guest without an agent says so")
    func agent() async throws {
        try await host().start(plan())
        let files = MachineFiles(machine, in: root)
        #expect(throws: MachineFailure.self) { try GuestAgent(path: files.agentSocket, patience: .milliseconds(100)) }
        try await clear()
    }
}
