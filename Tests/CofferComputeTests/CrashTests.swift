import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

/// A process that ends at any step, with that step done or not, and another that starts over what is left.
@Suite("Crashes")
struct CrashTests {
    struct Point: Sendable, CustomTestStringConvertible {
        let steps: Int
        let doesLastStep: Bool
        var testDescription: String { "step \(steps)\(doesLastStep ? " done" : "")" }
    }

    static func points(_ count: Int) -> [Point] {
        (1...count).flatMap { [Point(steps: $0, doesLastStep: false), Point(steps: $0, doesLastStep: true)] }
    }

    /// Runs `body` in a process that ends at `point`, then starts another, which settles what was left.
    private func crash(_ world: World, at point: Point, _ body: (ComputeServices) async throws -> Void) async throws -> ComputeServices {
        let services = world.start(fuse: Fuse(steps: point.steps, doesLastStep: point.doesLastStep))
        try? await body(services)
        let next = world.start()
        var memory = KeyWatch.Memory()
        await next.keyWatch.step(&memory)
        #expect(memory.hasStarted)
        #expect(memory.retries.isEmpty)
        return next
    }

    /// Whether records and hosted disks are the same, and every disk opens with the key of its set.
    private func checkAgreement(_ world: World, _ services: ComputeServices) async throws {
        let records = try await world.store.read { try $0.disks() }
        #expect(Set(records.map(\.disk)) == Set(world.host.disks.keys))
        for record in records {
            #expect(record.phase == .succeeded)
            let state = world.host.disks[record.disk]?.state
            #expect(state == (record.isAttached ? .open : .closed))
            if record.set != nil {
                let active = try await world.setRecord()?.activeKey.url.text
                #expect(world.host.disks[record.disk]?.layers.first?.keyID == active)
            }
            #expect(try await world.call(services, "attach", record.id.name)["state"] == "open")
            try await world.call(services, "detach", record.id.name)
        }
    }

    @Test("Taking a snapshot", arguments: points(9))
    func snapshot(point: Point) async throws {
        let world = World()
        try await world.makeSet(world.start(), type: .platformAndCustomerKeys)
        try await world.makeDisk(world.start())
        let body = DiskLifeTests.copyBody(of: "disk1")
        let next = try await crash(world, at: point) { _ = try await world.arm($0, .put, "snapshots/snap", body) }
        let left = try await world.store.read { try $0.disk(World.id("snapshots", "snap")) }
        #expect(left.map { $0.phase == .succeeded || $0.phase == .failed } ?? true)
        #expect((left?.phase == .succeeded) == (world.host.disks.count == 2), "a snapshot is there in full or not at all")
        #expect(try await world.arm(next, .put, "snapshots/snap", body).body["properties"]?["provisioningState"] == "Succeeded")
        #expect(world.host.disks.count == 2)
        let records = try await world.store.read { try $0.disks() }
        #expect(Set(records.map(\.disk)) == Set(world.host.disks.keys))
    }

    @Test("Growing a disk", arguments: points(6))
    func grow(point: Point) async throws {
        let world = World()
        try await world.makeDisk(world.start(), set: nil)
        let next = try await crash(world, at: point) {
            _ = try await world.arm($0, .patch, "disks/disk1", ["properties": ["diskSizeGB": 9]])
        }
        let record = try #require(try await world.record())
        #expect(record.growth == nil)
        #expect(world.host.disks[record.disk]?.byteCount == record.byteCount)
        #expect(try await world.arm(next, .patch, "disks/disk1", ["properties": ["diskSizeGB": 9]]).body["properties"]?["diskSizeGB"] == 9)
        try await checkAgreement(world, next)
    }

    @Test("Changing the set of a disk", arguments: points(9))
    func move(point: Point) async throws {
        let world = World()
        world.vaults.change("kv1", "key2", "v1") { _ in }
        let services = world.start()
        try await world.makeSet(services)
        let other = World.setBody().merging(["properties": ["activeKey": ["keyUrl": .string("https://kv1.\(World.suffix)/keys/key2/v1")]]])
        let principal = try await world.arm(services, .put, "diskEncryptionSets/des2", other).body["identity"]?["principalId"]?.string ?? ""
        world.vaults.change("kv1") { $0.allowed.insert(principal) }
        try await world.makeDisk(services)
        let next = try await crash(world, at: point) {
            _ = try await world.arm($0, .patch, "disks/disk1", ["properties": ["encryption": [
                "type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": .string(World.set("des2").text),
            ]]])
        }
        let record = try #require(try await world.record())
        #expect(record.move == nil)
        let isMoved = world.host.disks[record.disk]?.layers.first?.keyID.contains("/key2/") == true
        #expect(record.set == World.set(isMoved ? "des2" : "des1"), "the record names the set that the data key is wrapped by")
        #expect(try await world.call(next, "attach")["state"] == "open")
    }

    @Test("Re-encrypting a disk to two layers", arguments: points(11))
    func reencrypt(point: Point) async throws {
        let world = World()
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeSet(services, "both", type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        let next = try await crash(world, at: point) {
            _ = try await world.arm($0, .patch, "disks/disk1", ["properties": ["encryption": [
                "type": "EncryptionAtRestWithPlatformAndCustomerKeys", "diskEncryptionSetId": .string(World.set("both").text),
            ]]])
        }
        // The host double ends at once; whoever looks writes it down.
        _ = try await world.arm(next, .get, "disks/disk1")
        let record = try #require(try await world.record())
        #expect(record.reencryption == nil)
        let isDone = world.host.disks[record.disk]?.layers.count == 2
        #expect(record.set == World.set(isDone ? "both" : "des1"), "the record names the set that the data keys are wrapped by")
        #expect(record.encryption.layerCount == (isDone ? 2 : 1))
        #expect(try await world.call(next, "attach")["state"] == "open")
    }

    @Test("Making a disk", arguments: points(8))
    func createDisk(point: Point) async throws {
        let world = World()
        try await world.makeSet(world.start(), type: .platformAndCustomerKeys)
        let next = try await crash(world, at: point) { try await world.makeDisk($0) }
        try await checkAgreement(world, next)
        #expect(try await world.makeDisk(next)["properties"]?["provisioningState"] == "Succeeded")
        #expect(world.host.disks.count == 1)
        try await checkAgreement(world, next)
    }

    @Test("Making a disk that is refused", arguments: points(6))
    func refusedDisk(point: Point) async throws {
        let world = World()
        try await world.makeSet(world.start())
        world.vaults.change("kv1") { $0.allowed = [] }
        let next = try await crash(world, at: point) { try await world.makeDisk($0) }
        #expect(world.host.disks.isEmpty)
        #expect(try await world.record() == nil)
        #expect(try await world.arm(next, .delete, "diskEncryptionSets/des1").status == 200)
    }

    @Test("Deleting a disk", arguments: points(5))
    func deleteDisk(point: Point) async throws {
        let world = World()
        let first = world.start()
        try await world.makeSet(first)
        try await world.makeDisk(first)
        let next = try await crash(world, at: point) { _ = try await world.arm($0, .delete, "disks/disk1") }
        try await checkAgreement(world, next)
        #expect([200, 204].contains(try await world.arm(next, .delete, "disks/disk1").status))
        #expect(world.host.disks.isEmpty)
    }

    @Test("Attaching and detaching", arguments: points(10))
    func attach(point: Point) async throws {
        let world = World()
        let first = world.start()
        try await world.makeSet(first)
        try await world.makeDisk(first)
        let next = try await crash(world, at: point) {
            try await world.call($0, "attach")
            try await world.call($0, "detach")
        }
        try await checkAgreement(world, next)
    }

    @Test("Rotating many disks", arguments: points(30))
    func rotate(point: Point) async throws {
        let world = World()
        let first = world.start()
        try await world.makeSet(first, rotates: true)
        for index in 0..<6 { try await world.makeDisk(first, "disk\(index)") }
        world.vaults.change("kv1", "key1", "v2") { _ in }
        try await world.announce(.newVersion)
        let next = try await crash(world, at: point) {
            var memory = KeyWatch.Memory()
            await $0.keyWatch.step(&memory)
        }
        let set = try #require(try await world.setRecord())
        #expect(set.activeKey.url.version == "v2")
        #expect(set.previousKeys.isEmpty)
        #expect(set.rotationError == nil)
        #expect(set.lastRotation != nil)
        try await checkAgreement(world, next)
    }

    @Test("Changing the key by hand", arguments: points(20))
    func changeKey(point: Point) async throws {
        let world = World()
        let first = world.start()
        try await world.makeSet(first)
        for index in 0..<3 { try await world.makeDisk(first, "disk\(index)") }
        world.vaults.change("kv1", "key1", "v2") { _ in }
        let next = try await crash(world, at: point) { _ = try await world.arm($0, .put, "diskEncryptionSets/des1", World.setBody("v2")) }
        #expect(try await world.setRecord()?.previousKeys == [])
        try await checkAgreement(world, next)
        #expect(try await world.arm(next, .put, "diskEncryptionSets/des1", World.setBody("v2")).status == 200)
        try await checkAgreement(world, next)
        #expect(try await world.setRecord()?.activeKey.url.version == "v2")
    }

    @Test("Making and deleting a set", arguments: points(6))
    func set(point: Point) async throws {
        let world = World()
        let next = try await crash(world, at: point) {
            try await world.makeSet($0)
            _ = try await world.arm($0, .delete, "diskEncryptionSets/des1")
        }
        #expect(try await world.setRecord()?.isBeingDeleted != true)
        #expect(try await world.arm(next, .put, "diskEncryptionSets/des1", World.setBody()).status == 200)
        #expect(try await world.arm(next, .delete, "diskEncryptionSets/des1").status == 200)
        #expect(world.identities.resources.isEmpty)
    }

    @Test("Stopping and reviving disks", arguments: points(8))
    func revocation(point: Point) async throws {
        let world = World()
        let first = world.start()
        try await world.makeSet(first)
        try await world.makeDisk(first)
        try await world.call(first, "attach")
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        let next = try await crash(world, at: point) {
            var memory = KeyWatch.Memory()
            await $0.keyWatch.step(&memory)
        }
        #expect(try await world.hosted()?.state == .suspended)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        #expect(try await world.call(next, "attach")["state"] == "open")
        try await checkAgreement(world, next)
    }
}
