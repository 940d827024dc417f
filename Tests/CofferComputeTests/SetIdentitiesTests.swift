import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Identities of sets")
struct SetIdentitiesTests {
    let world = World()

    private func body(_ type: String, _ identities: String...) -> JSONValue {
        var body = World.setBody().object ?? [:]
        var identity: [String: JSONValue] = ["type": .string(type)]
        if !identities.isEmpty {
            identity["userAssignedIdentities"] = .object(
                Dictionary(uniqueKeysWithValues: identities.map { (World.identity($0).text.lowercased(), .object([:])) }))
        }
        body["identity"] = .object(identity)
        return .object(body)
    }

    /// A user-assigned identity, which may use the keys of `kv1` if it is `allowed`.
    @discardableResult
    private func makeIdentity(_ name: String, allowed: Bool = true) async throws -> Caller {
        let caller = try await world.identities.systemAssigned(for: World.identity(name))
        if allowed { world.vaults.change("kv1") { $0.allowed.insert(caller.objectID) } }
        return caller
    }

    @Test("A set acts as a user-assigned identity that had its permissions before")
    func userAssigned() async throws {
        let services = world.start()
        let caller = try await makeIdentity("id1")
        let made = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1")).body
        #expect(made["identity"]?["type"] == "UserAssigned")
        #expect(made["identity"]?["principalId"] == nil)
        let shown = made["identity"]?["userAssignedIdentities"]?.object
        #expect(shown?.values.first?["principalId"]?.string == caller.objectID)
        #expect(shown?.values.first?["clientId"]?.string == caller.applicationID)
        try await world.makeDisk(services)
        #expect(world.vaults.uses.allSatisfy { $0.hasSuffix(caller.objectID) } && !world.vaults.uses.isEmpty)
        #expect(world.identities.resources == [World.identity("id1")])
        #expect(try await world.arm(services, .put, "diskEncryptionSets/des1", made).body == made)
    }

    @Test("The acting identity acts as long as it is assigned, and the next one takes over when it is taken away")
    func takeover() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let own = try #require(try await world.setRecord()?.identity)
        let caller = try await makeIdentity("id1")
        let both = try await world.arm(services, .put, "diskEncryptionSets/des1", body("SystemAssigned, UserAssigned", "id1")).body
        #expect(both["identity"]?["type"] == "SystemAssigned, UserAssigned")
        #expect(both["identity"]?["principalId"]?.string == own.objectID)
        #expect(try await world.setRecord()?.identity == own)
        let one = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1")).body
        #expect(one["identity"]?["type"] == "UserAssigned")
        #expect(try await world.setRecord()?.identity.objectID == caller.objectID)
        #expect(!world.identities.resources.contains(World.set("des1")))
        try await world.call(services, "attach")
        #expect(world.vaults.uses.last?.hasSuffix(caller.objectID) == true)
    }

    @Test("An identity that may not use the key does not take over from one that may")
    func refusedTakeover() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let before = try await world.setRecord()
        try await makeIdentity("id1", allowed: false)
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1"))
        }?.short == "403 KeyVaultAccessForbidden")
        #expect(try await world.setRecord() == before)
        #expect(world.identities.resources.contains(World.set("des1")))
    }

    @Test("PATCH adds to the user-assigned identities, and null takes one away")
    func patches() async throws {
        let services = world.start()
        try await makeIdentity("id1")
        try await makeIdentity("id2")
        _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1"))
        let two = try await world.arm(services, .patch, "diskEncryptionSets/des1", [
            "identity": ["type": "UserAssigned", "userAssignedIdentities": [World.identity("id2").text: [:]]],
        ]).body
        #expect(two["identity"]?["userAssignedIdentities"]?.object?.count == 2)
        let one = try await world.arm(services, .patch, "diskEncryptionSets/des1", [
            "identity": ["type": "UserAssigned", "userAssignedIdentities": [World.identity("id1").text: .null]],
        ]).body
        #expect(one["identity"]?["userAssignedIdentities"]?.object.map { Array($0.keys) } == [World.identity("id2").text])
        #expect(await refusal {
            _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["identity": ["type": "None"]])
        }?.message.contains("set-identity-needed") == true)
    }

    @Test("An identity that is not there, or that the caller may not assign, is refused and leaves nothing behind")
    func refusals() async throws {
        let services = world.start()
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("SystemAssigned, UserAssigned", "gone"))
        }?.short == "400 FailedIdentityOperation")
        try await makeIdentity("id1")
        world.authorizer.deny("Microsoft.ManagedIdentity/userAssignedIdentities/assign/action")
        #expect(await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("SystemAssigned, UserAssigned", "id1"))
        }?.code == "LinkedAuthorizationFailed")
        #expect(try await world.setRecord() == nil)
        #expect(world.identities.resources == [World.identity("id1")])
    }

    @Test("When the identity is deleted, the disks stop, the set tells it, and another identity of the name does not act for it")
    func deletedIdentity() async throws {
        let services = world.start()
        try await makeIdentity("id1")
        _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1"))
        try await world.makeDisk(services)
        try await world.call(services, "attach")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        try await world.identities.removeSystemAssigned(of: World.identity("id1"))
        let other = try await makeIdentity("id1")
        try await world.announce(.access, key: nil, scope: ResourceID("/"))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        #expect(try await world.setRecord()?.rotationError?.code == "ManagedServiceIdentityNotFound")
        _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": ["still": "changeable"]])
        _ = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1"))
        #expect(try await world.setRecord()?.identity.objectID == other.objectID)
        world.clock.advance(by: .seconds(60))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.setRecord()?.rotationError == nil)
    }

    @Test("A set whose identity is gone can be given another one beside it, which acts then")
    func replacement() async throws {
        let services = world.start()
        try await makeIdentity("id1")
        let made = try await world.arm(services, .put, "diskEncryptionSets/des1", body("UserAssigned", "id1")).body
        try await world.identities.removeSystemAssigned(of: World.identity("id1"))
        #expect(try await world.arm(services, .put, "diskEncryptionSets/des1", made).body["identity"] == made["identity"])
        let both = try await world.arm(services, .put, "diskEncryptionSets/des1", body("SystemAssigned, UserAssigned", "id1")).body
        #expect(both["identity"]?["type"] == "SystemAssigned, UserAssigned")
        #expect(try await world.setRecord()?.identity.resource == nil)
        #expect(try await world.arm(services, .put, "diskEncryptionSets/des1", body("SystemAssigned")).body["identity"]?["type"] == "SystemAssigned")
    }

    @Test("A set for confidential VMs is made, and no ordinary disk uses it")
    func confidential() async throws {
        let services = world.start()
        var body = World.setBody().object ?? [:]
        body["properties"] = [
            "activeKey": ["keyUrl": .string(World.key("v1"))], "encryptionType": "confidentialVmEncryptedWithCustomerKey",
        ]
        let made = try await world.arm(services, .put, "diskEncryptionSets/des1", .object(body)).body
        #expect(made["properties"]?["encryptionType"] == "ConfidentialVmEncryptedWithCustomerKey")
        #expect(await refusal { try await world.makeDisk(services) }?.message.contains("set-type-match") == true)
        #expect(await refusal { try await world.makeDisk(services, type: .customerKey) }?.message.contains("set-type-match") == true)
    }
}
