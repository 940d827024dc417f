import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Encryption at host")
struct HostEncryptionTests {
    private static let on: [String: JSONValue] = ["securityProfile": ["encryptionAtHost": true]]

    private func put(_ world: World, _ services: ComputeServices, size: String = "Standard_D2s_v3", extra: [String: JSONValue] = on) async throws -> JSONValue {
        try await world.arm(services, .put, "virtualMachines/vm1", MachinesTests.body(size: size, extra: extra)).body
    }

    private func post(_ world: World, _ services: ComputeServices, _ action: String) async throws {
        _ = try await world.arm(services, .post, "virtualMachines/vm1/\(action)")
    }

    private func patch(_ world: World, _ services: ComputeServices, _ properties: JSONValue) async -> APIError? {
        await refusal { _ = try await world.arm(services, .patch, "virtualMachines/vm1", ["properties": properties]) }
    }

    private func own(_ world: World) -> [DiskHostDouble.Disk] { Array(world.host.ownDisks.values) }

    @Test("A machine has it from the start, and its disks are opened so", arguments: RuleSet.allCases)
    func creation(ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let made = try await put(world, world.start())
        #expect(made["properties"]?["securityProfile"]?["encryptionAtHost"] == true)
        let uses = world.host.commands.compactMap { command -> DiskUse? in
            if case .open(_, _, _, let use) = command { use } else { nil }
        }
        #expect(uses.last == .machine(cache: .readWrite, encryptsAtHost: true))
        #expect(try await world.record("os1")?.use == .machine(cache: .readWrite, encryptsAtHost: true))
    }

    @Test("Without the feature it is refused with Azure's sentence, true and false alike", arguments: [true, false])
    func feature(value: Bool) async throws {
        let world = World()
        let services = world.start()
        world.features.register(false)
        let refused = await refusal { _ = try await put(world, services, extra: ["securityProfile": ["encryptionAtHost": .bool(value)]]) }
        #expect(refused?.short == "400 InvalidParameter")
        #expect(refused?.target == "securityProfile.encryptionAtHost")
        #expect(refused?.message.hasPrefix(
            "The property 'securityProfile.encryptionAtHost' is not valid because the 'Microsoft.Compute/EncryptionAtHost' feature is not enabled "
                + "for this subscription.") == true)
        #expect(refused?.message.contains("Rule host-feature ") == true)
        _ = try await put(world, services, extra: [:])
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": .bool(value)]])?.short == "400 InvalidParameter")
    }

    @Test("A machine that has it goes on when the feature is taken back, and so do changes of other things")
    func featureTakenBack() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        world.features.register(false)
        #expect(try await put(world, services)["properties"]?["securityProfile"]?["encryptionAtHost"] == true)
    }

    @Test("Sizes have it or not as the rule set says", arguments: [
        ("Standard_D2_v3", ["host-size-2021", "host-size"]), ("Standard_D1_v2", ["host-size-2021", "host-size"]),
        ("Standard_A1_v2", ["host-size-2021", "host-size"]), ("Standard_E2_v3", ["host-size-2021", "host-size"]),
        ("Standard_NC6", ["host-size-2021", "host-size"]), ("Standard_NV6", ["host-size-2021", "host-size"]),
        ("Standard_H8", ["host-size-2021", "host-size"]), ("Basic_A0", ["host-size-2021", "host-size"]),
        ("Standard_D2s_v3", []), ("Standard_DS1_v2", []), ("Standard_E2s_v4", []), ("Standard_D2s_v6", []),
    ] as [(String, [String])], RuleSet.allCases)
    func sizes(size: (String, [String]), ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let refused = await refusal { _ = try await put(world, world.start(), size: size.0) }
        guard let rule = size.1.isEmpty ? nil : size.1[ruleSet == .year2021 ? 0 : 1] else {
            #expect(refused == nil, "\(refused?.message ?? "")")
            return
        }
        #expect(refused?.short == "400 InvalidParameter")
        #expect(refused?.message.contains("does not support Encryption at Host") == true)
        #expect(refused?.message.contains("Rule \(rule) ") == true, "\(refused?.message ?? "")")
        #expect(refused?.message.contains("{") == false)
        #expect(world.host.disks.isEmpty)
    }

    @Test("It is changed only while the machine is deallocated, and never to a size without it")
    func changes() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services, extra: [:])
        for action in ["start", "powerOff"] {
            try await post(world, services, action)
            let refused = await patch(world, services, ["securityProfile": ["encryptionAtHost": true]])
            #expect(refused?.short == "409 OperationNotAllowed")
            #expect(refused?.message.contains("Rule host-deallocated ") == true)
        }
        try await post(world, services, "deallocate")
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": true]]) == nil)
        #expect(await patch(world, services, ["hardwareProfile": ["vmSize": "Standard_D2_v3"]])?.message.contains("Rule host-size-2021 ") == true)
        try await post(world, services, "start")
        #expect(try await world.record("os1")?.use == .machine(cache: .readWrite, encryptsAtHost: true))
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": false]])?.message.contains("Rule host-deallocated ") == true)
        #expect(await patch(world, services, ["securityProfile": ["encryptionIdentity": [:]]]) == nil)
        #expect(try await world.store.read { try $0.machine(World.id("virtualMachines", "vm1")) }?.encryptsAtHost == true)
    }

    @Test("Disks that are or were encrypted in their guest are refused as the rule set says", arguments: RuleSet.allCases, [true, false])
    func guestEncrypted(ruleSet: RuleSet, isStill: Bool) async throws {
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeDisk(services, "data1", set: nil)
        for isEnabled in isStill ? [true] : [true, false] {
            _ = try await world.arm(services, .patch, "disks/data1", ["properties": ["encryptionSettingsCollection": ["enabled": .bool(isEnabled)]]])
        }
        let disks = [MachinesTests.disk(0, "data1", "Attach", id: World.disk("data1"))]
        func refused(_ extra: [String: JSONValue]) async -> APIError? {
            await refusal {
                _ = try await world.arm(services, .put, "virtualMachines/vm1", MachinesTests.body(size: "Standard_D2s_v3", disks: disks, extra: extra))
            }
        }
        let rule = ruleSet == .current ? "host-ever-guest-encrypted" : isStill ? "host-guest-encrypted" : nil
        if let rule {
            let first = await refused(Self.on)
            #expect(first?.short == "409 OperationNotAllowed")
            #expect(first?.message.contains("Rule \(rule) ") == true, "\(first?.message ?? "")")
        }
        #expect(await refused([:]) == nil)
        try await post(world, services, "deallocate")
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": true]])?.short == (rule == nil ? nil : "409 OperationNotAllowed"))
        try await post(world, services, "start")
    }

    @Test("What became of a disk meanwhile keeps no machine from other changes")
    func laterPast() async throws {
        let world = World(.current)
        let services = world.start()
        _ = try await put(world, services)
        _ = try await world.arm(services, .patch, "disks/os1", ["properties": ["encryptionSettingsCollection": ["enabled": true]]])
        #expect(await refusal { _ = try await world.arm(services, .patch, "virtualMachines/vm1", ["tags": ["a": "b"]]) } == nil)
        try await post(world, services, "deallocate")
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": false]]) == nil)
        #expect(await patch(world, services, ["securityProfile": ["encryptionAtHost": true]])?.message.contains("host-ever-guest-encrypted") == true)
    }

    @Test("Disks with chosen sectors of 512 bytes are refused as the rule set says", arguments: RuleSet.allCases)
    func sectors(ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        world.clock.set(to: Timestamp(seconds: 1_600_000_000))
        let services = world.start()
        var body = World.diskBody(sku: "UltraSSD_LRS")
        guard case .object(var members) = body, case .object(var properties)? = members["properties"] else { return }
        properties["creationData"] = ["createOption": "Empty", "logicalSectorSize": 512]
        members["properties"] = .object(properties)
        body = .object(members)
        let made = try await world.arm(services, .put, "disks/data1", body).body
        #expect(made["properties"]?["creationData"]?["logicalSectorSize"] == 512)
        let disks = [MachinesTests.disk(0, "data1", "Attach", id: World.disk("data1"))]
        let refused = await refusal {
            _ = try await world.arm(services, .put, "virtualMachines/vm1", MachinesTests.body(size: "Standard_D2s_v3", disks: disks, extra: Self.on))
        }
        #expect(refused?.message.contains("Rule \(ruleSet == .current ? "host-sector-size" : "host-sector-size-2021") ") == true, "\(refused?.message ?? "")")
    }

    @Test("A machine's temporary disk is plain without it and has a platform key with it", arguments: [true, false])
    func temporaryDisk(isAtHost: Bool) async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services, extra: isAtHost ? Self.on : [:])
        let disk = try #require(own(world).first)
        #expect(disk.byteCount == 16 << 30 && disk.state == .open)
        #expect(disk.layers.count == (isAtHost ? 1 : 0))
        let plan = try #require(world.machines.running.values.first)
        #expect(plan.disks.map(\.name) == ["os", "temp"])
        try await post(world, services, "powerOff")
        try await post(world, services, "start")
        try await post(world, services, "restart")
        #expect(own(world).first?.dataKeys == disk.dataKeys && own(world).count == 1)
        try await post(world, services, "deallocate")
        #expect(own(world).isEmpty)
        try await post(world, services, "start")
        if isAtHost { #expect(own(world).first?.dataKeys != disk.dataKeys) }
        _ = try await world.arm(services, .delete, "virtualMachines/vm1")
        #expect(own(world).isEmpty)
    }

    @Test("A temporary disk is as large as the size says, and none where it has none")
    func temporarySizes() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services, size: "Standard_D2s_v4")
        #expect(own(world).isEmpty)
        _ = try await world.arm(services, .delete, "virtualMachines/vm1")
        _ = try await world.arm(services, .delete, "disks/os1")
        _ = try await put(world, services, size: "Standard_D2ds_v4")
        #expect(own(world).map(\.byteCount) == [75 << 30])
        _ = try await put(world, services, size: "Standard_B2s")
        #expect(own(world).map(\.byteCount) == [8 << 30])
    }

    @Test("After an end of the disk host temporary disks are opened again; what a crash left is deleted")
    func convergence() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        let data = own(world).first?.dataKeys
        world.host.restart()
        #expect(own(world).first?.state == .closed)
        try await services.adopt()
        await services.machineKeeper.keepAll()
        #expect(own(world).first?.state == .open && own(world).first?.dataKeys == data)
        let record = try #require(try await world.store.read { try $0.machine(World.id("virtualMachines", "vm1")) })
        try await world.store.write { try $0.change(record) { $0.power = .deallocated } }
        let next = world.start()
        await next.machineKeeper.keepAll()
        #expect(own(world).isEmpty)
        let stray = try #require(DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"))
        _ = try await world.host.perform(.atHost(.create(disk: stray, byteCount: 4096, layers: [], keys: [])))
        // Nobody lists the host's disks without a reason.
        await next.machineKeeper.keepAll()
        #expect(own(world).count == 1)
        try await next.adopt()
        await next.machineKeeper.keepAll()
        #expect(own(world).isEmpty)
    }

    @Test("A deallocation whose disk host is away is finished later")
    func deallocationWithoutHost() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        world.host.interrupt { if case .atHost(.close) = $0 { throw DiskFailure(.system, "away") } }
        #expect(await refusal { try await post(world, services, "deallocate") }?.status == 503)
        world.host.interrupt(nil)
        await services.machineKeeper.keepAll()
        #expect(own(world).isEmpty)
    }

    /// A crash of the server after so many steps; the last one is done or not.
    static let crashes = (1...16).flatMap { [($0, true), ($0, false)] }

    @Test("A crash anywhere in a deallocation, a start or a deletion leaves no temporary disk without an allocated machine", arguments: crashes)
    func crash(steps: Int, doesLastStep: Bool) async throws {
        for action in ["deallocate", "start", "delete"] {
            let world = World()
            let services = world.start()
            _ = try await put(world, services)
            if action == "start" { try await post(world, services, "deallocate") }
            let ending = world.start(fuse: Fuse(steps: steps, doesLastStep: doesLastStep))
            _ = try? await world.arm(ending, action == "delete" ? .delete : .post, "virtualMachines/vm1" + (action == "delete" ? "" : "/\(action)"))
            let next = world.start()
            await next.machineKeeper.keepAll()
            let record = try await world.store.read { try $0.machine(World.id("virtualMachines", "vm1")) }
            if record == nil || record?.power == .deallocated { #expect(own(world).isEmpty, "\(action)") }
            guard record != nil else { continue }
            _ = try? await world.arm(next, .delete, "virtualMachines/vm1")
            #expect(own(world).isEmpty, "\(action)")
        }
    }

    @Test("Host caching is changed while the machine is deallocated")
    func caching() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        let wish: JSONValue = ["storageProfile": ["osDisk": ["createOption": "FromImage", "caching": "ReadOnly"]]]
        #expect(await patch(world, services, wish)?.short == "409 OperationNotAllowed")
        try await post(world, services, "deallocate")
        #expect(await patch(world, services, wish) == nil)
        try await post(world, services, "start")
        #expect(try await world.record("os1")?.use == .machine(cache: .readOnly, encryptsAtHost: true))
    }
}
