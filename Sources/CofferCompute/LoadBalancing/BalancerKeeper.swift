import CofferCore
import CofferModel
import CofferPlatform

/// Has the ports of load balancers lead to the machines that run and, where there is a probe, answer.
package struct BalancerKeeper: Sendable {
    let balancers: any LoadBalancers
    let server: any PortServer
    let store: any Store
    let host: any MachineHost
    let report: @Sendable (String) -> Void
    private let state = BalancerState()

    init(balancers: any LoadBalancers, server: any PortServer, store: any Store, host: any MachineHost, report: @escaping @Sendable (String) -> Void) {
        self.balancers = balancers
        self.server = server
        self.store = store
        self.host = host
        self.report = report
    }

    /// Looks after them until the task is cancelled.
    package func run(every period: Duration) async {
        while !Task.isCancelled {
            await keep()
            try? await Task.sleep(for: period)
        }
        await state.probe([], host)
        _ = await server.serve([])
    }

    /// Brings what is served to what the records say, once.
    func keep() async {
        do {
            let ports = try await balancers.balancedPorts()
            let members = try await running(ports)
            let endpoints = await reach(ports, members)
            await state.probe(Set(ports.flatMap { port in port.members.compactMap { Self.probe(of: port, $0, members) } }), host)
            var served: [ServedPort] = []
            for port in ports {
                var targets: [ServedPort.Target] = []
                for member in port.members {
                    guard let machine = members[member.interface], let endpoint = endpoints[machine]?[Self.guestPort(member, machine)] else { continue }
                    if let probe = Self.probe(of: port, member, members), await !state.isHealthy(probe) { continue }
                    targets.append(ServedPort.Target(name: member.interface.key, endpoint: endpoint))
                }
                served.append(ServedPort(address: port.address, port: port.port, targets: targets, manner: port.manner))
            }
            await tell(await server.serve(served))
        } catch {
            await tell([error.forLog])
        }
    }

    /// The machines that run, by the interfaces in `ports`.
    private func running(_ ports: [BalancedPort]) async throws -> [ResourceID: RunningMember] {
        let owners = Set(ports.flatMap(\.members).map(\.machine))
        guard !owners.isEmpty else { return [:] }
        let records = try await store.read { transaction in try owners.compactMap { try transaction.machine($0) } }
        var found: [ResourceID: RunningMember] = [:]
        for record in records where await host.isRunning(record.machine) {
            for (index, interface) in record.interfaces.enumerated() { found[interface.id] = RunningMember(machine: record.machine, index: index) }
        }
        return found
    }

    /// Where this host reaches the ports of the members. Machines that were members and are no more get none.
    private func reach(_ ports: [BalancedPort], _ members: [ResourceID: RunningMember]) async -> [RunningMember: [GuestPort: HostEndpoint]] {
        var wanted: [MachineID: (ports: Set<GuestPort>, probed: Set<GuestPort>)] = [:]
        for port in ports {
            for member in port.members {
                guard let machine = members[member.interface] else { continue }
                wanted[machine.machine, default: ([], [])].ports.insert(Self.guestPort(member, machine))
                if let probe = Self.probe(of: port, member, members) { wanted[machine.machine, default: ([], [])].probed.insert(probe.port) }
            }
        }
        for machine in await state.replaceReached(by: Set(wanted.keys)) { _ = try? await host.reach([], probing: [], of: machine) }
        var found: [MachineID: [GuestPort: HostEndpoint]] = [:]
        for (machine, ports) in wanted {
            do {
                found[machine] = try await host.reach(ports.ports, probing: ports.probed, of: machine)
                await state.note(found[machine] ?? [:], of: machine)
            } catch {
                // The hypervisor may be busy with something else for a while.
                found[machine] = await state.endpoints(of: machine)
                await tell(["machine \(machine.text): \(error.forLog)"])
            }
        }
        return Dictionary(members.values.map { ($0, found[$0.machine] ?? [:]) }, uniquingKeysWith: { first, _ in first })
    }

    /// Says what is wrong once, until something else is.
    private func tell(_ remarks: [String]) async {
        for remark in await state.news(in: remarks) { report("load balancers: \(remark)") }
    }

    private static func guestPort(_ member: BalancedPort.Member, _ machine: RunningMember) -> GuestPort {
        GuestPort(interface: machine.index, privateAddress: member.privateAddress, number: member.port)
    }

    private static func probe(of port: BalancedPort, _ member: BalancedPort.Member, _ members: [ResourceID: RunningMember]) -> MemberProbe? {
        guard let probe = port.probe, let machine = members[member.interface] else { return nil }
        return MemberProbe(
            machine: machine.machine, port: GuestPort(interface: machine.index, privateAddress: member.privateAddress, number: probe.port), probe: probe)
    }
}

/// An interface of a machine that runs.
struct RunningMember: Hashable {
    let machine: MachineID
    /// The interface's place among the machine's.
    let index: Int
}

/// A probe of one member.
struct MemberProbe: Hashable, Sendable {
    let machine: MachineID
    let port: GuestPort
    let probe: BalancedPort.Probe
}
