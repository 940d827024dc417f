import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Re-encryption")
struct ReencryptionTests {
    let world = World()

    private func step(_ services: ComputeServices) async {
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
    }

    private static func typeBody(_ type: DiskEncryptionType, set: String) -> JSONValue {
        ["properties": ["encryption": ["type": .string(type.rawValue), "diskEncryptionSetId": .string(World.set(set).text)]]]
    }

    @Test("A disk gets new data keys under the same key, and the audit log has the wish")
    func newKeys() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let old = try #require(try await world.hosted())
        let done = try await world.call(services, "reencrypt", body: ["bytesPerSecond": 5])
        #expect(done["state"] == "none")
        #expect(done["lastReencryption"]?.string != nil)
        let new = try #require(try await world.hosted())
        #expect(new.dataKeys != old.dataKeys)
        #expect(new.layers.first?.keyID == World.key("v1"))
        #expect(try await world.record()?.reencryption == nil)
        #expect(world.audit.events.map(\.operation).contains("DiskReencrypt"))
        #expect(try await world.call(services, "attach")["state"] == "open")
    }

    @Test("It is shown, paused, slowed, resumed, and refused a second time")
    func steering() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.host.beSlow()
        let begun = try await world.call(services, "reencrypt", body: [:])
        #expect(begun["state"] == "running" && begun["percent"] == 25)
        #expect(await refusal { _ = try await world.call(services, "reencrypt", body: [:]) }?.short == "409 OperationNotAllowed")
        #expect(await refusal { _ = try await world.call(services, "exportKey", body: ["recipientKey": .string(Base64URL.encode([UInt8](repeating: 1, count: 32)))]) }?
            .message.contains("being re-encrypted") == true)
        #expect(try await world.call(services, "steerReencryption", body: ["isPaused": true])["state"] == "paused")
        let slow = try await world.call(services, "steerReencryption", body: ["isPaused": false, "bytesPerSecond": 7])
        #expect(slow["bytesPerSecond"] == 7)
        #expect(try await world.call(services, "reencryption", body: [:])["state"] == "running", "resuming opens the keys again")
        #expect(await refusal { _ = try await world.call(services, "steerReencryption", body: ["bytesPerSecond": -1]) }?.short == "400 InvalidParameter")
        world.host.finishReencryptions()
        #expect(try await world.call(services, "reencryption", body: [:])["state"] == "none")
        #expect(await refusal { _ = try await world.call(services, "steerReencryption", body: ["isPaused": true]) }?.short == "409 OperationNotAllowed")
    }

    @Test("It goes on after the host was replaced, attached or not, and while the disk is detached")
    func goingOn() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.host.beSlow()
        try await world.call(services, "reencrypt", body: [:])
        world.host.restart()
        await step(services)
        #expect(try await world.hosted()?.reencryption?.state == .running)
        try await world.call(services, "attach")
        world.host.restart()
        await step(services)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.hosted()?.reencryption?.state == .running)
        try await world.call(services, "detach")
        #expect(try await world.hosted()?.reencryption?.state == .running)
        world.host.finishReencryptions()
        await step(services)
        #expect(try await world.record()?.lastReencryption != nil)
    }

    @Test("Another number of layers is another encryption of the data, with the clients' verbs")
    func layers() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeSet(services, "both", type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        world.host.beSlow()
        let body = Self.typeBody(.platformAndCustomerKeys, set: "both")
        let begun = try await world.arm(services, .patch, "disks/disk1", body)
        #expect(begun.status == 202)
        #expect(begun.body["properties"]?["provisioningState"] == "Updating")
        #expect(begun.body["properties"]?["encryption"]?["type"] == .string(DiskEncryptionType.customerKey.rawValue))
        #expect(try await world.arm(services, .patch, "disks/disk1", body).status == 202, "asking again is no error")
        #expect(await refusal { _ = try await world.arm(services, .patch, "disks/disk1", Self.typeBody(.platformAndCustomerKeys, set: "des1")) }?.short
            == "409 OperationNotAllowed")
        #expect(await refusal { _ = try await world.arm(services, .delete, "diskEncryptionSets/both") }?.message.contains("set-in-use") == true)
        world.host.finishReencryptions()
        let done = try await world.arm(services, .get, "disks/disk1")
        #expect(done.status == 200)
        #expect(done.body["properties"]?["provisioningState"] == "Succeeded")
        #expect(done.body["properties"]?["encryption"]?["type"] == .string(DiskEncryptionType.platformAndCustomerKeys.rawValue))
        #expect(try await world.hosted()?.layers.count == 2)
        #expect(try await world.call(services, "attach")["state"] == "open")
        try await world.call(services, "detach")
        let back = try await world.arm(services, .patch, "disks/disk1", Self.typeBody(.customerKey, set: "des1"))
        #expect(back.body["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await world.hosted()?.layers.count == 1)
    }

    @Test("Both sets of wrapped keys follow a rotation")
    func rotation() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        try await world.makeDisk(services)
        world.host.beSlow()
        try await world.call(services, "reencrypt", body: [:])
        world.vaults.change("kv1", "key1", "v2") { _ in }
        try await world.announce(.newVersion)
        await step(services)
        let disk = try #require(try await world.hosted())
        #expect(disk.layers.first?.keyID == World.key("v2"))
        #expect(disk.reencryption?.layers.first?.keyID == World.key("v2"))
        #expect(try await world.setRecord()?.previousKeys.isEmpty == true)
    }

    @Test("Without its key a disk that is not attached rests, and goes on when the key is back")
    func revocation() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.host.beSlow()
        try await world.call(services, "reencrypt", body: [:])
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        await step(services)
        #expect(try await world.hosted()?.reencryption?.state == .waiting)
        #expect(try await world.call(services, "reencryption", body: [:])["reason"]?.string?.contains("disabled") == true)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        try await world.announce(.attributes)
        await step(services)
        #expect(try await world.hosted()?.reencryption?.state == .running)
    }

    @Test("A key that may not be used refuses it, and nothing is changed")
    func refused() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let before = try #require(try await world.hosted())
        world.vaults.change("kv1") { $0.allowed = [] }
        #expect(await refusal { _ = try await world.call(services, "reencrypt", body: [:]) } != nil)
        #expect(try await world.record()?.reencryption == nil)
        #expect(try await world.hosted()?.generation == before.generation)
    }
}
