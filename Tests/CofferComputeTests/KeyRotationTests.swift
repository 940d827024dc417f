import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Rotation")
struct KeyRotationTests {
    let world = World()

    /// A set with automatic rotation and `count` disks, and a new version of its key.
    private func prepare(_ services: ComputeServices, disks count: Int, type: DiskEncryptionType? = nil) async throws {
        try await world.makeSet(services, type: type, rotates: true)
        for index in 0..<count { try await world.makeDisk(services, "disk\(index)") }
        try await rotate("v2")
    }

    private func rotate(_ version: String) async throws {
        world.vaults.change("kv1", "key1", version) { _ in }
        try await world.announce(.newVersion)
    }

    private func show(_ services: ComputeServices) async throws -> JSONValue? {
        try await world.arm(services, .get, "diskEncryptionSets/des1").body["properties"]
    }

    @Test("A new version reaches the set and all its disks, whose data keys stay")
    func manyDisks() async throws {
        let services = world.start()
        try await prepare(services, disks: 30)
        let before = world.host.disks
        var memory = KeyWatch.Memory()
        world.clock.advance(by: .seconds(5))
        await services.keyWatch.step(&memory)
        let shown = try await show(services)
        #expect(shown?["activeKey"]?["keyUrl"] == .string(World.key("v2")))
        #expect(shown?["previousKeys"] == [])
        #expect(shown?["lastKeyRotationTimestamp"] == "2026-01-01T00:00:05.000Z")
        #expect(shown?["provisioningState"] == "Succeeded")
        #expect(shown?["autoKeyRotationError"] == nil)
        for (id, disk) in world.host.disks {
            #expect(disk.layers.map(\.keyID) == [World.key("v2")])
            #expect(disk.generation == 2)
            #expect(disk.dataKeys == before[id]?.dataKeys)
        }
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        #expect(try await world.call(services, "attach", "disk7")["state"] == "open")
    }

    @Test("Only the customer's layer of a doubly encrypted disk is re-wrapped")
    func double() async throws {
        let services = world.start()
        try await prepare(services, disks: 1, type: .platformAndCustomerKeys)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted("disk0")?.layers.map(\.keyID) == [World.key("v2"), "platform:1"])
    }

    @Test("An open disk is re-wrapped and stays open")
    func open() async throws {
        let services = world.start()
        try await prepare(services, disks: 1)
        try await world.call(services, "attach", "disk0")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted("disk0")?.state == .open)
        #expect(try await world.hosted("disk0")?.layers.first?.keyID == World.key("v2"))
    }

    @Test("Sets without automatic rotation, of other keys and of other vaults stay")
    func others() async throws {
        let services = world.start()
        world.vaults.change("kv1", "key2", "v1") { _ in }
        try await world.makeSet(services, "fixed")
        try await world.makeDisk(services, "a", set: "fixed")
        _ = try await world.arm(services, .put, "diskEncryptionSets/other", [
            "location": "uksouth",
            "properties": ["activeKey": ["keyUrl": .string(World.key("v1", key: "key2"))], "rotationToLatestKeyVersionEnabled": true],
        ])
        try await rotate("v2")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord("fixed")?.activeKey.url.version == "v1")
        #expect(try await world.setRecord("other")?.activeKey.url.version == "v1")
        #expect(try await world.hosted("a")?.generation == 1)
    }

    @Test("A header that somebody else changes meanwhile is read again")
    func generationChanged() async throws {
        let services = world.start()
        try await prepare(services, disks: 1)
        world.host.surprise(2)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted("disk0")?.layers.first?.keyID == World.key("v2"))
        #expect(try await world.hosted("disk0")?.generation == 4)
    }

    @Test("A rotation that cannot go on tells why, keeps the old version, and goes on when it can")
    func error() async throws {
        let services = world.start()
        try await prepare(services, disks: 2)
        let allowed = try #require(try await world.setRecord()?.identity.objectID)
        world.vaults.change("kv1") { $0.allowed = [] }
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        let stuck = try await show(services)
        #expect(stuck?["activeKey"]?["keyUrl"] == .string(World.key("v2")))
        #expect(stuck?["previousKeys"] == [["keyUrl": .string(World.key("v1"))]])
        #expect(stuck?["autoKeyRotationError"]?["code"] == "KeyVaultAccessForbidden")
        #expect(try await world.hosted("disk0")?.generation == 1)
        world.vaults.change("kv1") { $0.allowed = [allowed] }
        try await world.announce(.access, key: nil)
        await services.keyWatch.step(&memory)
        let done = try await show(services)
        #expect(done?["previousKeys"] == [])
        #expect(done?["autoKeyRotationError"] == nil)
        #expect(try await world.hosted("disk1")?.layers.first?.keyID == World.key("v2"))
    }

    @Test("A rotation is tried again without any event, after longer and longer waits")
    func backoff() async throws {
        let services = world.start()
        try await prepare(services, disks: 1)
        world.host.setDown(true)
        var memory = KeyWatch.Memory()
        memory.hasStarted = true
        await services.keyWatch.step(&memory)
        #expect(try await show(services)?["autoKeyRotationError"]?["code"] == "DiskHostUnavailable")
        #expect(memory.retries[World.set("des1")]?.failures == 1)
        await services.keyWatch.step(&memory)
        #expect(memory.retries[World.set("des1")]?.failures == 1)
        world.clock.advance(by: .seconds(1))
        await services.keyWatch.step(&memory)
        #expect(memory.retries[World.set("des1")]?.failures == 2)
        world.clock.advance(by: .seconds(1))
        await services.keyWatch.step(&memory)
        #expect(memory.retries[World.set("des1")]?.failures == 2)
        world.host.setDown(false)
        world.clock.advance(by: .seconds(1))
        await services.keyWatch.step(&memory)
        #expect(memory.retries.isEmpty)
        #expect(try await show(services)?["autoKeyRotationError"] == nil)
        #expect(try await world.hosted("disk0")?.layers.first?.keyID == World.key("v2"))
    }

    @Test("A disabled version is not moved to until it is enabled")
    func disabledVersion() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        world.vaults.change("kv1", "key1", "v2") { $0.isEnabled = false }
        try await world.announce(.newVersion)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v1")
        #expect(try await show(services)?["autoKeyRotationError"]?["code"] == "KeyVaultKeyDisabled")
        #expect(memory.retries.isEmpty)
        world.vaults.change("kv1", "key1", "v2") { $0.isEnabled = true }
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v2")
        #expect(try await show(services)?["autoKeyRotationError"] == nil)
    }

    @Test("A version that becomes valid later is moved to then")
    func laterVersion() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        world.vaults.change("kv1", "key1", "v2") { $0.notBefore = world.clock.now().adding(.seconds(3600)) }
        try await world.announce(.newVersion)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v1")
        world.clock.advance(by: .seconds(3600))
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v2")
    }

    @Test("Two versions on end with the second")
    func twoVersions() async throws {
        let services = world.start()
        try await prepare(services, disks: 2)
        try await rotate("v3")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await show(services)?["activeKey"]?["keyUrl"] == .string(World.key("v3")))
        #expect(try await show(services)?["previousKeys"] == [])
        #expect(world.host.disks.values.allSatisfy { $0.layers.first?.keyID == World.key("v3") })
    }

    @Test("A version made while nobody watched is found at the start")
    func missedEvent() async throws {
        try await world.makeSet(world.start(), rotates: true)
        world.vaults.change("kv1", "key1", "v2") { _ in }
        var memory = KeyWatch.Memory()
        await world.start().keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v2")
    }

    @Test("An event is followed once, also after a restart")
    func cursor() async throws {
        let services = world.start()
        try await prepare(services, disks: 1)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        let uses = world.vaults.uses.count
        await services.keyWatch.step(&memory)
        #expect(world.vaults.uses.count == uses)
        var second = KeyWatch.Memory()
        await world.start().keyWatch.step(&second)
        #expect(world.vaults.uses.count == uses)
    }

    @Test("An event that cannot be read is passed over")
    func badEvent() async throws {
        let services = world.start()
        _ = try await world.store.write { try $0.append(Array("nonsense".utf8), to: KeyChange.stream) }
        try await prepare(services, disks: 1)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.setRecord()?.activeKey.url.version == "v2")
        #expect(world.lines.contains { $0.contains("passed over") })
    }

    @Test("Two processes that follow the same event do no harm to each other")
    func twoProcesses() async throws {
        let services = world.start()
        try await prepare(services, disks: 10)
        await withTaskGroup(of: Void.self) { group in
            for process in [services, world.start()] {
                group.addTask {
                    var memory = KeyWatch.Memory()
                    await process.keyWatch.step(&memory)
                }
            }
        }
        #expect(world.host.disks.values.allSatisfy { $0.layers.first?.keyID == World.key("v2") })
        #expect(try await show(services)?["previousKeys"] == [])
        #expect(try await show(services)?["autoKeyRotationError"] == nil)
        try await world.call(services, "attach", "disk3")
    }

    // MARK: By hand

    @Test("Another version or key by hand re-wraps all disks before the answer")
    func byHand() async throws {
        let services = world.start()
        try await world.makeSet(services)
        for index in 0..<3 { try await world.makeDisk(services, "disk\(index)") }
        world.vaults.change("kv1", "other", "w1") { _ in }
        let body: JSONValue = ["location": "uksouth", "properties": ["activeKey": ["keyUrl": .string(World.key("w1", key: "other"))]]]
        let shown = try await world.arm(services, .put, "diskEncryptionSets/des1", body).body["properties"]
        #expect(shown?["activeKey"]?["keyUrl"] == .string(World.key("w1", key: "other")))
        #expect(shown?["previousKeys"] == [])
        #expect(shown?["provisioningState"] == "Succeeded")
        #expect(shown?["lastKeyRotationTimestamp"] != nil)
        #expect(world.host.disks.values.allSatisfy { $0.layers.first?.keyID == World.key("w1", key: "other") })
    }

    @Test("A key that the set's identity may not use is refused and nothing changes")
    func rehearsal() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.vaults.change("kv2", "key1", "v1") { _ in }
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody("v1", vault: "kv2"))
        }?.short == "403 KeyVaultAccessForbidden")
        #expect(try await world.setRecord()?.activeKey.url.vault == "kv1")
        #expect(try await world.setRecord()?.previousKeys == [])
        #expect(try await world.hosted()?.generation == 1)
    }

    @Test("What one disk refuses is told in the set, and the others go on")
    func oneDiskFails() async throws {
        let services = world.start()
        try await world.makeSet(services)
        for index in 0..<3 { try await world.makeDisk(services, "disk\(index)") }
        let broken = try #require(try await world.record("disk1")?.disk)
        world.host.interrupt { command in
            if case .rewrap(broken, _, _, _, _) = command { throw DiskFailure(.noSpace, "the file system is full") }
        }
        world.vaults.change("kv1", "key1", "v2") { _ in }
        let shown = try await world.arm(services, .patch, "diskEncryptionSets/des1", [
            "properties": ["activeKey": ["keyUrl": .string(World.key("v2"))]],
        ]).body["properties"]
        #expect(shown?["autoKeyRotationError"]?["code"] == "InsufficientStorage")
        #expect(shown?["previousKeys"]?.array?.count == 1)
        #expect(try await world.hosted("disk0")?.layers.first?.keyID == World.key("v2"))
        #expect(try await world.hosted("disk1")?.layers.first?.keyID == World.key("v1"))
        #expect(try await world.hosted("disk2")?.layers.first?.keyID == World.key("v2"))
        world.host.interrupt(nil)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted("disk1")?.layers.first?.keyID == World.key("v2"))
        #expect(try await show(services)?["previousKeys"] == [])
    }

    @Test("Going on with an older version by hand is possible without automatic rotation, and not with it")
    func backwards() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        try await rotate("v2")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        let echoed = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody("v1", rotates: true)).body
        #expect(echoed["properties"]?["activeKey"]?["keyUrl"] == .string(World.key("v2")))
        #expect(echoed["properties"]?["previousKeys"] == [])
        let back = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody("v1", rotates: false)).body
        #expect(back["properties"]?["activeKey"]?["keyUrl"] == .string(World.key("v1")))
    }

    @Test("Disks made while their set rotates end with the version of the set")
    func creationMeanwhile() async throws {
        let services = world.start()
        try await prepare(services, disks: 3)
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                var memory = KeyWatch.Memory()
                await services.keyWatch.step(&memory)
            }
            for index in 10..<30 { group.addTask { _ = await refusal { try await world.makeDisk(services, "disk\(index)") } } }
        }
        #expect(world.host.disks.count == 23)
        #expect(world.host.disks.values.allSatisfy { $0.layers.first?.keyID == World.key("v2") })
    }
}
