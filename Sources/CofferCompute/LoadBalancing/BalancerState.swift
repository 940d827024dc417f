import CofferPlatform

/// What is remembered between two looks at load balancers: which members answer their probes.
actor BalancerState {
    private struct Probing {
        let task: Task<Void, Never>
        var health = ProbeHealth()
    }

    private var probes: [MemberProbe: Probing] = [:]
    private var reached: Set<MachineID> = []
    private var endpoints: [MachineID: [GuestPort: HostEndpoint]] = [:]
    private var told: Set<String> = []

    /// Probes these members and no others.
    func probe(_ wanted: Set<MemberProbe>, _ host: any MachineHost) {
        for (probe, probing) in probes where !wanted.contains(probe) {
            probing.task.cancel()
            probes[probe] = nil
        }
        for probe in wanted where probes[probe] == nil {
            probes[probe] = Probing(task: Task {
                while !Task.isCancelled {
                    note(await host.answers(at: probe.port, of: probe.machine, within: min(probe.probe.interval, .seconds(5))), probe)
                    try? await Task.sleep(for: probe.probe.interval)
                }
            })
        }
    }

    func isHealthy(_ probe: MemberProbe) -> Bool { probes[probe]?.health.isHealthy ?? false }

    private func note(_ answered: Bool, _ probe: MemberProbe) { probes[probe]?.health.note(answered, probe.probe) }

    /// - Returns: Those that were reached and are no more.
    func replaceReached(by machines: Set<MachineID>) -> Set<MachineID> {
        let gone = reached.subtracting(machines)
        for machine in gone { endpoints[machine] = nil }
        reached = machines
        return gone
    }

    func note(_ found: [GuestPort: HostEndpoint], of machine: MachineID) { endpoints[machine] = found }

    /// Where the ports of a machine were when it was last asked.
    func endpoints(of machine: MachineID) -> [GuestPort: HostEndpoint] { endpoints[machine] ?? [:] }

    /// - Returns: Remarks that were not among the last ones.
    func news(in remarks: [String]) -> [String] {
        defer { told = Set(remarks) }
        return remarks.filter { !told.contains($0) }
    }
}

/// Whether a member gets connections, by what its probes found.
struct ProbeHealth {
    private(set) var isHealthy = false
    /// How many in a row contradict ``isHealthy``.
    private var count = 0

    mutating func note(_ answered: Bool, _ probe: BalancedPort.Probe) {
        guard answered != isHealthy else { return count = 0 }
        count += 1
        guard count >= (answered ? probe.successes : probe.failures) else { return }
        isHealthy = answered
        count = 0
    }
}
