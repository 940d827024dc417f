import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("The life of a disk")
struct DiskLifeTests {
    let world = World()

    static func copyBody(
        of source: String, _ type: String = "disks", set: String? = nil, encryption: DiskEncryptionType? = nil, size: Int64? = nil,
        incremental: Bool? = nil, sku: String = "Standard_LRS"
    ) -> JSONValue {
        var properties: [String: JSONValue] = [
            "creationData": ["createOption": "Copy", "sourceResourceId": .string(World.id(type, source).text)],
        ]
        var wanted: [String: JSONValue] = [:]
        if let set { wanted["diskEncryptionSetId"] = .string(World.set(set).text) }
        if let encryption { wanted["type"] = .string(encryption.rawValue) }
        if !wanted.isEmpty { properties["encryption"] = .object(wanted) }
        if let size { properties["diskSizeGB"] = .int(size) }
        if let incremental { properties["incremental"] = .bool(incremental) }
        return ["location": "uksouth", "sku": ["name": .string(sku)], "properties": .object(properties)]
    }

    private func update(_ services: ComputeServices, _ disk: String, set: String?, _ type: DiskEncryptionType) async -> APIError? {
        var encryption: [String: JSONValue] = ["type": .string(type.rawValue)]
        if let set { encryption["diskEncryptionSetId"] = .string(World.set(set).text) }
        let body: JSONValue = ["properties": ["encryption": .object(encryption)]]
        return await refusal { _ = try await world.arm(services, .patch, "disks/\(disk)", body) }
    }

    private func hosted(_ name: String, _ type: String = "disks") async throws -> DiskHostDouble.Disk? {
        guard let record = try await world.store.read({ try $0.disk(World.id(type, name)) }) else { return nil }
        return world.host.disks[record.disk]
    }

    // MARK: Growing

    @Test("A disk grows, attached or not, and performance follows its size")
    func growth() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let small = try await world.makeDisk(services)["properties"]
        #expect(small?["tier"] == "P2")
        #expect(small?["diskIOPSReadWrite"] == 120)
        let larger = try await world.arm(services, .put, "disks/disk1", World.diskBody(.customerKey, set: "des1", size: 200)).body["properties"]
        #expect(larger?["diskSizeGB"] == 200)
        #expect(larger?["tier"] == "P15")
        #expect(larger?["diskMBpsReadWrite"] == 125)
        try await world.call(services, "attach")
        let patched = try await world.arm(services, .patch, "disks/disk1", ["properties": ["diskSizeGB": 300, "tier": "P30"]]).body["properties"]
        #expect(patched?["diskSizeBytes"] == .int(300 << 30))
        #expect(patched?["tier"] == "P30")
        #expect(try await hosted("disk1")?.byteCount == 300 << 30)
        #expect(try await hosted("disk1")?.generation == 3)
    }

    @Test("What a host refuses to grow keeps its size, and can be tried again")
    func refusedGrowth() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        world.host.interrupt { if case .resize = $0 { throw DiskFailure(.noSpace, "the file system is full") } }
        let larger: JSONValue = ["properties": ["diskSizeGB": 9]]
        #expect(await refusal { _ = try await world.arm(services, .patch, "disks/disk1", larger) }?.short == "507 InsufficientStorage")
        world.host.interrupt(nil)
        #expect(try await world.arm(services, .get, "disks/disk1").body["properties"]?["diskSizeGB"] == 8)
        #expect(try await world.arm(services, .patch, "disks/disk1", larger).body["properties"]?["diskSizeGB"] == 9)
    }

    // MARK: Snapshots and copies

    @Test("A snapshot has its source's keys, size and set, and disks are made of it")
    func snapshots() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        try await world.call(services, "attach")
        let made = try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1"))
        #expect(made.status == 200)
        #expect(made.body["type"] == "Microsoft.Compute/snapshots")
        #expect(made.body["properties"]?["incremental"] == false)
        #expect(made.body["properties"]?["encryption"]?["diskEncryptionSetId"]?.string == World.set("des1").text)
        #expect(made.body["properties"]?["completionPercent"] == 100)
        #expect(try await hosted("snap", "snapshots")?.dataKeys == hosted("disk1")?.dataKeys)
        let restored = try await world.arm(services, .put, "disks/disk2", Self.copyBody(of: "snap", "snapshots", size: 16)).body["properties"]
        #expect(restored?["creationData"]?["sourceResourceId"]?.string == World.id("snapshots", "snap").text)
        #expect(restored?["diskSizeGB"] == 16)
        #expect(try await hosted("disk2")?.byteCount == 16 << 30)
        #expect(try await world.call(services, "attach", "disk2")["state"] == "open")
        let list = try await world.arm(services, .get, "snapshots").body["value"]
        #expect(list == [made.body])
        let used = try await world.arm(services, .get, "diskEncryptionSets/des1/associatedResources").body["value"]
        #expect(used == [.string(World.disk("disk1").text), .string(World.disk("disk2").text), .string(World.id("snapshots", "snap").text)])
        #expect(await refusal { _ = try await world.arm(services, .delete, "diskEncryptionSets/des1") }?.message.contains("snapshots/snap") == true)
        #expect(try await world.arm(services, .delete, "snapshots/snap").status == 200)
        #expect(try await hosted("snap", "snapshots") == nil)
        #expect(try await hosted("disk2") != nil)
    }

    @Test("A copy under another set has the same data key wrapped by that set's key, opened and wrapped by the right identities")
    func copyToOtherSet() async throws {
        let services = world.start()
        let first = try await world.makeSet(services)["identity"]?["principalId"]?.string ?? ""
        let second = try await world.makeSet(services, "des2")["identity"]?["principalId"]?.string ?? ""
        try await world.makeDisk(services)
        _ = try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1", set: "des2"))
        #expect(try await hosted("snap", "snapshots")?.dataKeys == hosted("disk1")?.dataKeys)
        #expect(world.vaults.uses.suffix(2) == ["unwrap kv1/key1/v1 by \(first)", "wrap kv1/key1/v1 by \(second)"])
        _ = try await world.arm(services, .put, "disks/plain", Self.copyBody(of: "snap", "snapshots", encryption: .platformKey))
        #expect(try await hosted("plain")?.layers.first?.keyID == "platform:1")
        #expect(try await hosted("plain")?.dataKeys == hosted("disk1")?.dataKeys)
        try await world.makeSet(services, "both", type: .platformAndCustomerKeys)
        let refused = await refusal { _ = try await world.arm(services, .put, "disks/d", Self.copyBody(of: "snap", "snapshots", set: "both")) }
        #expect(refused?.short == "409 OperationNotAllowed")
        #expect(refused?.message.contains("as many layers as its source") == true)
    }

    @Test("Snapshots follow rotations, also while they are being copied")
    func snapshotsRotate() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        try await world.makeDisk(services)
        _ = try await world.arm(services, .put, "snapshots/old", Self.copyBody(of: "disk1"))
        world.host.beSlow()
        let slow = try await world.arm(services, .put, "snapshots/slow", Self.copyBody(of: "disk1"))
        #expect(slow.status == 202)
        #expect(slow.body["properties"]?["provisioningState"] == "Creating")
        #expect(slow.body["properties"]?["completionPercent"] == 25)
        world.vaults.change("kv1", "key1", "v2") { _ in }
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        for (name, type) in [("disk1", "disks"), ("old", "snapshots"), ("slow", "snapshots")] {
            #expect(try await hosted(name, type)?.layers.first?.keyID == World.key("v2"), "\(name)")
        }
        #expect(try await world.setRecord()?.previousKeys.isEmpty == true)
        world.host.finishCopies()
        #expect(try await world.arm(services, .get, "snapshots/slow").body["properties"]?["provisioningState"] == "Succeeded")
    }

    @Test("A copy that fails says why, and can be made again")
    func failedCopy() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        world.host.beSlow()
        _ = try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1"))
        #expect(await refusal { _ = try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1")) }?.short == "409 OperationNotAllowed")
        world.host.finishCopies(failing: "the file system is full")
        let failed = try await world.arm(services, .get, "snapshots/snap").body
        #expect(failed["properties"]?["provisioningState"] == "Failed")
        #expect(failed["error"]?["message"]?.string?.contains("the file system is full") == true)
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/d", Self.copyBody(of: "snap", "snapshots")) } != nil)
        #expect(try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1")).body["properties"]?["provisioningState"] == "Succeeded")
    }

    @Test("A copy that the end of its host interrupted has failed")
    func interruptedCopy() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        world.host.beSlow()
        _ = try await world.arm(services, .put, "snapshots/snap", Self.copyBody(of: "disk1"))
        world.host.restart()
        try await services.adopt()
        #expect(try await world.arm(services, .get, "snapshots/snap").body["properties"]?["provisioningState"] == "Failed")
        #expect(try await world.arm(services, .delete, "snapshots/snap").status == 200)
    }

    @Test("Sources must be there, in reach and readable", arguments: [
        ("disks/d", copyBody(of: "none"), "404 ResourceNotFound"), ("snapshots/s", copyBody(of: "none"), "404 ResourceNotFound"),
        ("snapshots/s", copyBody(of: "des1", "diskEncryptionSets"), "400 InvalidParameter"),
        ("snapshots/s", World.diskBody(), "400 InvalidParameter"), ("disks/d", copyBody(of: "disk1", size: 4), "400 InvalidParameter"),
        ("snapshots/s", copyBody(of: "disk1", size: 16), "409 OperationNotAllowed"),
        ("snapshots/s", copyBody(of: "disk1", sku: "UltraSSD_LRS"), "400 InvalidParameter"),
        ("disks/d", copyBody(of: "disk1", sku: "Standard_ZRS"), "400 InvalidParameter"),
    ])
    func badSources(path: String, body: JSONValue, expected: String) async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        #expect(await refusal { _ = try await world.arm(services, .put, path, body) }?.short == expected)
        #expect(world.host.disks.count == 1)
    }

    // MARK: Images

    @Test("An image has an OS disk and data disks, of which disks are made")
    func images() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        try await world.makeDisk(services, "disk2", set: nil)
        let made = try await world.arm(services, .put, "images/img", ["location": "uksouth", "properties": ["storageProfile": [
            "osDisk": ["osType": "Linux", "osState": "Generalized", "managedDisk": ["id": .string(World.disk("disk1").text)]],
            "dataDisks": [["lun": 3, "managedDisk": ["id": .string(World.disk("disk2").text)]]],
        ]]])
        #expect(made.status == 200)
        let profile = made.body["properties"]?["storageProfile"]
        #expect(profile?["osDisk"]?["diskEncryptionSet"]?["id"]?.string == World.set("des1").text)
        #expect(profile?["dataDisks"]?.array?.first?["lun"] == 3)
        let used = try await world.arm(services, .get, "diskEncryptionSets/des1/associatedResources").body["value"]
        #expect(used == [.string(World.disk("disk1").text), .string(World.id("images", "img").text)])
        func body(_ lun: Int64?) -> JSONValue {
            ["location": "uksouth", "properties": ["creationData": [
                "createOption": "FromImage", "imageReference": ["id": .string(World.id("images", "img").text), "lun": lun.map { .int($0) } ?? .null],
            ]]]
        }
        let disk = try await world.arm(services, .put, "disks/os", body(nil)).body["properties"]
        #expect(disk?["osType"] == "Linux")
        #expect(disk?["creationData"]?["createOption"] == "FromImage")
        #expect(try await hosted("os")?.dataKeys == hosted("disk1")?.dataKeys)
        _ = try await world.arm(services, .put, "disks/data", body(3))
        #expect(try await hosted("data")?.dataKeys == hosted("disk2")?.dataKeys)
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/x", body(4)) }?.short == "404 ResourceNotFound")
        #expect(try await world.arm(services, .delete, "images/img").status == 200)
        #expect(world.host.disks.count == 4)
        #expect(await refusal { _ = try await world.arm(services, .get, "images/img") }?.status == 404)
    }

    // MARK: Changing keys

    @Test("A disk moves between platform and customer keys and between sets; its data key stays")
    func moves() async throws {
        let world = World(.current)
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeSet(services, "des2")
        try await world.makeDisk(services, set: nil)
        let record = try #require(try await world.store.read { try $0.disk(World.disk("disk1")) })
        let dataKeys = world.host.disks[record.disk]?.dataKeys
        let steps: [(String?, DiskEncryptionType, String)] = [
            ("des1", .customerKey, World.key("v1")), ("des2", .customerKey, World.key("v1")), (nil, .platformKey, "platform:1"),
        ]
        for (set, type, key) in steps {
            var encryption: [String: JSONValue] = ["type": .string(type.rawValue)]
            if let set { encryption["diskEncryptionSetId"] = .string(World.set(set).text) }
            let shown = try await world.arm(services, .patch, "disks/disk1", ["properties": ["encryption": .object(encryption)]]).body
            #expect(shown["properties"]?["encryption"]?["type"]?.string == type.rawValue)
            #expect(shown["properties"]?["encryption"]?["diskEncryptionSetId"]?.string == set.map { World.set($0).text })
            #expect(world.host.disks[record.disk]?.layers.first?.keyID == key)
            #expect(world.host.disks[record.disk]?.dataKeys == dataKeys)
        }
        #expect(try await world.arm(services, .delete, "diskEncryptionSets/des1").status == 200)
    }

    @Test("A move that its new key refuses leaves the disk as it was")
    func refusedMove() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let barred = try await world.makeSet(services, "des2")["identity"]?["principalId"]?.string ?? ""
        world.vaults.change("kv1") { $0.allowed.remove(barred) }
        world.vaults.change("kv1", "key2", "v1") { _ in }
        let body = World.setBody().merging(["properties": ["activeKey": ["keyUrl": .string("https://kv1.\(World.suffix)/keys/key2/v1")]]])
        _ = try await world.arm(services, .put, "diskEncryptionSets/des2", body)
        try await world.makeDisk(services)
        #expect(await update(services, "disk1", set: "des2", .customerKey)?.code == "KeyVaultAccessForbidden")
        let shown = try await world.arm(services, .get, "disks/disk1").body["properties"]?["encryption"]
        #expect(shown?["diskEncryptionSetId"]?.string == World.set("des1").text)
        #expect(try await world.store.read { try $0.disk(World.disk("disk1"))?.move } == nil)
        #expect(try await world.call(services, "attach")["state"] == "open")
    }
}

extension JSONValue {
    /// This object with the members of another over its own.
    func merging(_ other: [String: JSONValue]) -> JSONValue { .object((object ?? [:]).merging(other) { $1 }) }
}
