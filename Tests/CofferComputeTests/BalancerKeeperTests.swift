import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Load balancers and the machines behind them")
struct BalancerKeeperTests {
    let world = World()
    private let manner = BalancingManner(keepsClients: false, idleLimit: .seconds(240), resetsIdle: false)

    private func port(_ number: UInt16, _ members: [BalancedPort.Member], _ probe: BalancedPort.Probe? = nil) -> BalancedPort {
        BalancedPort(
            balancer: World.id("loadBalancers", "lb"), address: "127.42.0.4", port: number, members: members, probe: probe, manner: manner)
    }

    /// The instances of a set as members.
    private func members(_ services: ComputeServices) async throws -> [BalancedPort.Member] {
        let body: JSONValue = [
            "location": "uksouth", "sku": ["name": "Standard_B1ls", "capacity": 2],
            "properties": ["virtualMachineProfile": [
                "storageProfile": [
                    "imageReference": ["publisher": "debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
                    "osDisk": ["createOption": "FromImage"],
                ],
                "networkProfile": ["networkInterfaceConfigurations": [["name": "nic", "properties": ["primary": true, "ipConfigurations": [["name": "ip"]]]]]],
            ]],
        ]
        _ = try await world.arm(services, .put, "virtualMachineScaleSets/ss", body)
        return try await world.store.read { try $0.instances(of: World.id("virtualMachineScaleSets", "ss")) }.map { record in
            BalancedPort.Member(machine: record.id, interface: record.interfaces[0].id, privateAddress: "10.0.0.\(4 + record.number)", port: 80)
        }
    }

    @Test("Connections go to the machines that run, and ports of others are given up")
    func running() async throws {
        let services = world.start()
        let members = try await members(services)
        world.balancers.set([port(80, members), port(50_000, [members[0]])])
        await services.balancerKeeper.keep()
        #expect(world.portServer.served.map(\.port) == [80, 50_000])
        #expect(world.portServer.served.map(\.targets.count) == [2, 1])
        #expect(world.machines.reached.values.allSatisfy { $0.count == 1 })
        _ = try await world.arm(services, .post, "virtualMachineScaleSets/ss/deallocate", ["instanceIds": ["0"]])
        await services.balancerKeeper.keep()
        #expect(world.portServer.served.map(\.targets.count) == [1, 0])
        _ = try await world.arm(services, .post, "virtualMachineScaleSets/ss/start", ["instanceIds": ["0"]])
        world.balancers.set([])
        await services.balancerKeeper.keep()
        #expect(world.portServer.served.isEmpty)
        let left = try await world.store.read { try $0.instances(of: World.id("virtualMachineScaleSets", "ss")) }
        #expect(world.machines.reached[left[1].machine] == [])
    }

    @Test("A hypervisor that is busy takes nobody out")
    func busy() async throws {
        let services = world.start()
        world.balancers.set([port(80, try await members(services))])
        await services.balancerKeeper.keep()
        let before = world.portServer.served
        world.machines.refuse(MachineFailure(.system, "QEMU does not answer"))
        for _ in 0..<2 { await services.balancerKeeper.keep() }
        #expect(world.portServer.served == before && before[0].targets.count == 2)
        #expect(world.lines.contains { $0.contains("QEMU does not answer") })
    }

    @Test("A member whose probe fails gets no connections until it answers again")
    func probes() async throws {
        let services = world.start()
        let members = try await members(services)
        let probe = BalancedPort.Probe(port: 81, interval: .milliseconds(20), failures: 2, successes: 1)
        world.balancers.set([port(80, members, probe)])
        func targets(_ count: Int) async throws -> Bool {
            for _ in 0..<500 {
                await services.balancerKeeper.keep()
                if world.portServer.served.first?.targets.count == count { return true }
                try await Task.sleep(for: .milliseconds(10))
            }
            return false
        }
        await services.balancerKeeper.keep()
        #expect(world.portServer.served.count == 1)
        #expect(try await targets(2))
        world.machines.silence([GuestPort(interface: 0, privateAddress: "10.0.0.4", number: 81)])
        #expect(try await targets(1))
        #expect(world.portServer.served[0].targets[0].name == members[1].interface.key)
        world.machines.silence([])
        #expect(try await targets(2))
        world.balancers.set([])
        await services.balancerKeeper.keep()
    }

    @Test("Health changes after as many probes in a row as the probe says")
    func health() {
        let probe = BalancedPort.Probe(port: 1, interval: .seconds(5), failures: 3, successes: 2)
        var health = ProbeHealth()
        let seen = [true, false, true, true, false, false, true, false, false, false, true, true].map { answered in
            health.note(answered, probe)
            return health.isHealthy
        }
        #expect(seen == [false, false, false, true, true, true, true, true, true, false, false, true])
    }

    @Test("A port that cannot be opened is told once")
    func remarks() async throws {
        let services = world.start()
        world.balancers.set([port(1, [])])
        for _ in 0..<3 { await services.balancerKeeper.keep() }
        #expect(world.lines.filter { $0.contains("port 1 cannot be opened") }.count == 1)
    }
}
