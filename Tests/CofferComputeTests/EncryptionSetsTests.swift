import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Disk encryption sets")
struct EncryptionSetsTests {
    let world = World()

    @Test("A set is made with an identity and shown as Azure shows it")
    func creation() async throws {
        let services = world.start()
        let body: JSONValue = [
            "identity": ["type": "SystemAssigned"], "location": "UK South", "tags": ["a": "b"],
            "properties": [
                "activeKey": [
                    "keyUrl": .string(World.key("v1")),
                    "sourceVault": ["id": .string("/subscriptions/\(World.subscription)/resourceGroups/RG/providers/Microsoft.KeyVault/vaults/KV1")],
                ],
                "rotationToLatestKeyVersionEnabled": true,
            ],
        ]
        let (status, made) = try await world.arm(services, .put, "diskEncryptionSets/des1", body)
        #expect(status == 200)
        #expect(made["id"]?.string == World.set("des1").text)
        #expect(made["name"] == "des1")
        #expect(made["type"] == "Microsoft.Compute/diskEncryptionSets")
        #expect(made["location"] == "uksouth")
        #expect(made["tags"] == ["a": "b"])
        #expect(made["identity"]?["type"] == "SystemAssigned")
        #expect(made["identity"]?["principalId"]?.string?.count == 36)
        #expect(made["identity"]?["tenantId"] == .string(World.tenant))
        let properties = made["properties"]
        #expect(properties?["encryptionType"] == "EncryptionAtRestWithCustomerKey")
        #expect(properties?["activeKey"]?["keyUrl"] == .string(World.key("v1")))
        #expect(properties?["activeKey"]?["sourceVault"]?["id"]?.string?.hasSuffix("/vaults/kv1") == true)
        #expect(properties?["previousKeys"] == [])
        #expect(properties?["provisioningState"] == "Succeeded")
        #expect(properties?["rotationToLatestKeyVersionEnabled"] == true)
        #expect(properties?["autoKeyRotationError"] == nil)
        #expect(try await world.arm(services, .get, "diskEncryptionSets/DES1").body == made)
        #expect(try await world.arm(services, .put, "diskEncryptionSets/des1", made).body == made)
    }

    @Test("Sets are listed by group and by subscription")
    func lists() async throws {
        let services = world.start()
        try await world.makeSet(services, "a")
        try await world.makeSet(services, "b")
        _ = try await world.arm(services, .put, "diskEncryptionSets/c", World.setBody(), group: "rg2")
        func names(_ group: String?) async throws -> [String?] {
            try await world.arm(services, .get, "diskEncryptionSets", group: group).body["value"]?.array?.map { $0["name"]?.string } ?? []
        }
        #expect(try await names("RG") == ["a", "b"])
        #expect(try await names(nil) == ["a", "b", "c"])
        #expect(try await services.provider.resources(in: World.subscription, group: "rg2").map(\.id) == [World.id("diskEncryptionSets", "c", group: "rg2")])
    }

    @Test("A set that is not there is not found, and deleting it is no error")
    func absent() async throws {
        let services = world.start()
        #expect(await refusal { _ = try await world.arm(services, .get, "diskEncryptionSets/x") }?.short == "404 ResourceNotFound")
        #expect(await refusal { _ = try await world.arm(services, .patch, "diskEncryptionSets/x", [:]) }?.short == "404 ResourceNotFound")
        #expect(await refusal { _ = try await world.arm(services, .get, "diskEncryptionSets/x/associatedResources") }?.short == "404 ResourceNotFound")
        #expect(try await world.arm(services, .delete, "diskEncryptionSets/x").status == 204)
    }

    @Test("A set in use tells its disks and cannot be deleted until they are gone")
    func inUse() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services, "a")
        try await world.makeDisk(services, "b")
        let associated = try await world.arm(services, .get, "diskEncryptionSets/des1/associatedResources").body
        #expect(associated["value"] == [.string(World.disk("a").text), .string(World.disk("b").text)])
        let refused = await refusal { _ = try await world.arm(services, .delete, "diskEncryptionSets/des1") }
        #expect(refused?.short == "409 OperationNotAllowed")
        #expect(refused?.message.contains("disks/a, disks/b") == true)
        #expect(refused?.message.contains("set-in-use") == true)
        for name in ["a", "b"] { #expect(try await world.arm(services, .delete, "disks/\(name)").status == 200) }
        #expect(try await world.arm(services, .delete, "diskEncryptionSets/des1").status == 200)
        #expect(world.identities.resources.isEmpty)
        #expect(try await world.setRecord() == nil)
    }

    @Test("PATCH changes what it names and nothing else")
    func patch() async throws {
        let services = world.start()
        let made = try await world.makeSet(services, rotates: true)
        let tagged = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": ["x": "y"]]).body
        #expect(tagged["tags"] == ["x": "y"])
        #expect(tagged["properties"] == made["properties"])
        let off = try await world.arm(
            services, .patch, "diskEncryptionSets/des1", ["properties": ["rotationToLatestKeyVersionEnabled": false]]).body
        #expect(off["properties"]?["rotationToLatestKeyVersionEnabled"] == false)
        #expect(off["tags"] == ["x": "y"])
    }

    @Test("A PUT that leaves rotation out keeps it")
    func omission() async throws {
        let services = world.start()
        try await world.makeSet(services, rotates: true)
        let put = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody()).body
        #expect(put["properties"]?["rotationToLatestKeyVersionEnabled"] == true)
    }

    @Test("Tags can be changed while the vault cannot be asked")
    func tagsWithoutVault() async throws {
        let services = world.start()
        var body = try await world.makeSet(services).object ?? [:]
        world.vaults.fail(with: APIError(status: 503, code: "ServiceUnavailable", message: "down"))
        body["tags"] = ["t": "1"]
        #expect(try await world.arm(services, .put, "diskEncryptionSets/des1", .object(body)).body["tags"] == ["t": "1"])
    }

    @Test("A set stays where it is")
    func location() async throws {
        let services = world.start()
        try await world.makeSet(services)
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody(location: "ukwest"))
        }?.short == "409 InvalidResourceLocation")
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des2", ["properties": ["activeKey": ["keyUrl": .string(World.key("v1"))]]])
        }?.short == "400 LocationNotAvailableForResourceType")
    }

    @Test("A set refused leaves no identity behind")
    func nothingLeft() async throws {
        let services = world.start()
        _ = await refusal { _ = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody("v9")) }
        #expect(world.identities.resources.isEmpty)
        #expect(try await world.setRecord() == nil)
    }

    @Test("PUTs of one set at a time make one set with one identity")
    func concurrentPuts() async throws {
        let services = world.start()
        let principals = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody()).body["identity"]?["principalId"]?.string
                }
            }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(principals.count == 1)
        #expect(world.identities.resources == [World.set("des1")])
    }

    @Test("With rotation on, a set starts from the newest version that can be used")
    func newestAtOnce() async throws {
        let services = world.start()
        world.vaults.change("kv1", "key1", "v2") { _ in }
        world.vaults.change("kv1", "key1", "v3") { $0.isEnabled = false }
        let kept = try await world.arm(services, .put, "diskEncryptionSets/a", World.setBody(rotates: true)).body
        #expect(kept["properties"]?["activeKey"]?["keyUrl"] == .string(World.key("v1")))
        world.vaults.change("kv1", "key1", "v3") { $0.isEnabled = true }
        let moved = try await world.arm(services, .put, "diskEncryptionSets/b", World.setBody(rotates: true)).body
        #expect(moved["properties"]?["activeKey"]?["keyUrl"] == .string(World.key("v3")))
        let fixed = try await world.arm(services, .put, "diskEncryptionSets/c", World.setBody(rotates: false)).body
        #expect(fixed["properties"]?["activeKey"]?["keyUrl"] == .string(World.key("v1")))
    }
}
