import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Disks")
struct DisksTests {
    let world = World()

    @Test("A disk of each encryption type has the layers that it promises", arguments: DiskEncryptionType.ofManagedDisks)
    func creation(type: DiskEncryptionType) async throws {
        let services = world.start()
        let set: String? = type.usesCustomerKey ? "des1" : nil
        if set != nil { try await world.makeSet(services, type: type) }
        let (status, made) = try await world.arm(services, .put, "disks/disk1", World.diskBody(type, set: set))
        #expect(status == 200)
        #expect(made["id"]?.string == World.disk("disk1").text)
        #expect(made["type"] == "Microsoft.Compute/disks")
        #expect(made["location"] == "uksouth")
        #expect(made["sku"] == ["name": "Premium_LRS", "tier": "Premium"])
        let properties = made["properties"]
        #expect(properties?["diskState"] == "Unattached")
        #expect(properties?["provisioningState"] == "Succeeded")
        #expect(properties?["diskSizeGB"] == 8)
        #expect(properties?["diskSizeBytes"] == .int(8 << 30))
        #expect(properties?["timeCreated"] == "2026-01-01T00:00:00.000Z")
        #expect(properties?["networkAccessPolicy"] == "AllowAll")
        #expect(properties?["publicNetworkAccess"] == "Enabled")
        #expect(properties?["creationData"]?["createOption"] == "Empty")
        #expect(properties?["encryption"]?["type"] == .string(type.rawValue))
        #expect(properties?["encryption"]?["diskEncryptionSetId"]?.string == set.map { World.set($0).text })
        let disk = try #require(try await world.hosted())
        #expect(properties?["uniqueId"]?.string == (try await world.record())?.disk.text)
        #expect(disk.byteCount == 8 << 30)
        let keys: [String] = switch type {
        case .platformKey: ["platform:1"]
        case .customerKey: [World.key("v1")]
        case .platformAndCustomerKeys: [World.key("v1"), "platform:1"]
        case .unencrypted: []
        }
        #expect(disk.layers.map(\.keyID) == keys)
        #expect(Set(disk.dataKeys).count == keys.count)
        #expect(try await world.arm(services, .get, "disks/Disk1").body == made)
    }

    @Test("Without an encryption the platform's key is used, and a set alone says its type")
    func defaults() async throws {
        let services = world.start()
        try await world.makeSet(services, type: .platformAndCustomerKeys)
        #expect(try await world.makeDisk(services, "a", set: nil)["properties"]?["encryption"] == ["type": "EncryptionAtRestWithPlatformKey"])
        #expect(try await world.makeDisk(services, "b")["properties"]?["encryption"]?["type"] == "EncryptionAtRestWithPlatformAndCustomerKeys")
    }

    @Test("The data key is made with the set's identity")
    func identity() async throws {
        let services = world.start()
        let principal = try await world.makeSet(services)["identity"]?["principalId"]?.string ?? ""
        try await world.makeDisk(services)
        #expect(world.vaults.uses == ["wrap kv1/key1/v1 by \(principal)"])
    }

    @Test("Without permission on the key the vault's refusal is told and nothing is left")
    func noAccess() async throws {
        let services = world.start()
        try await world.makeSet(services)
        world.vaults.change("kv1") { $0.allowed = [] }
        #expect(await refusal { try await world.makeDisk(services) }?.short == "403 KeyVaultAccessForbidden")
        #expect(try await world.record() == nil)
        #expect(world.host.disks.isEmpty)
        #expect(try await world.arm(services, .delete, "diskEncryptionSets/des1").status == 200)
    }

    @Test("A disk host that fails leaves nothing behind", arguments: [
        (DiskFailure.Code.noSpace, "507 InsufficientStorage"), (.system, "503 DiskHostUnavailable"), (.badCommand, "400 InvalidParameter"),
    ])
    func hostFails(code: DiskFailure.Code, error: String) async throws {
        let services = world.start()
        world.host.interrupt { command in
            if case .create = command { throw DiskFailure(code, "the host says no") }
        }
        let refused = await refusal { try await world.makeDisk(services, set: nil) }
        #expect(refused?.short == error)
        #expect(refused?.message.contains("the host says no") == true)
        #expect(try await world.record() == nil)
    }

    @Test("A disk that could not be taken back while its host was gone is settled by the next PUT")
    func hostGone() async throws {
        let services = world.start()
        world.host.setDown(true)
        #expect(await refusal { try await world.makeDisk(services, set: nil) }?.short == "503 DiskHostUnavailable")
        #expect(try await world.record()?.phase == .deleting)
        world.host.setDown(false)
        #expect(try await world.makeDisk(services, set: nil)["properties"]?["provisioningState"] == "Succeeded")
        #expect(world.host.disks.count == 1)
    }

    @Test("Keys are sealed anew for a host that was replaced in between")
    func hostReplaced() async throws {
        let services = world.start()
        let host = world.host
        host.interrupt { command in
            if case .create = command {
                host.interrupt(nil)
                host.restart()
            }
        }
        try await world.makeDisk(services, set: nil)
        #expect(try await world.hosted()?.generation == 1)
    }

    @Test("PUT again with the same words changes nothing")
    func repetition() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let made = try await world.makeDisk(services)
        #expect(try await world.makeDisk(services) == made)
        #expect(try await world.arm(services, .put, "disks/disk1", made).body == made)
        #expect(world.host.disks.count == 1)
    }

    @Test("PUTs of one disk at a time make one disk")
    func concurrentPuts() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<20 { group.addTask { try await world.makeDisk(services)["properties"]?["uniqueId"]?.string } }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(world.host.disks.count == 1)
    }

    @Test("PUTs of one disk by two processes make one disk")
    func twoProcesses() async throws {
        let first = world.start()
        let second = world.start()
        try await world.makeSet(first)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<20 {
                group.addTask { _ = await refusal { try await world.makeDisk(index % 2 == 0 ? first : second) } }
            }
        }
        let record = try #require(try await world.record())
        #expect(record.phase == .succeeded)
        #expect(Array(world.host.disks.keys) == [record.disk])
    }

    @Test("Tags, SKU and labels can be changed by PUT and PATCH")
    func changes() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let patched = try await world.arm(services, .patch, "disks/disk1", ["tags": ["a": "b"], "sku": ["name": "standardssd_lrs"]]).body
        #expect(patched["tags"] == ["a": "b"])
        #expect(patched["sku"] == ["name": "StandardSSD_LRS", "tier": "Standard"])
        let labelled = try await world.arm(services, .patch, "disks/disk1", ["properties": ["osType": "Linux", "diskSizeGB": 8]]).body
        #expect(labelled["tags"] == ["a": "b"])
        #expect(labelled["properties"]?["osType"] == "Linux")
        let put = try await world.arm(services, .put, "disks/disk1", World.diskBody()).body
        #expect(put["tags"] == [:])
        #expect(put["properties"]?["osType"] == "Linux")
    }

    @Test("What cannot be changed stays as it is")
    func fixed() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        func put(_ body: JSONValue) async -> APIError? { await refusal { _ = try await world.arm(services, .put, "disks/disk1", body) } }
        #expect(await put(World.diskBody(.customerKey, set: "des1", size: 7))?.message.contains("reduced") == true)
        #expect(await put(World.diskBody(.platformKey))?.short == "409 PropertyChangeNotAllowed")
        #expect(await put(World.diskBody(.platformKey, set: "des1"))?.short == "400 InvalidParameter")
        #expect(await put(World.diskBody(.customerKey, set: "des1", location: "ukwest"))?.short == "409 InvalidResourceLocation")
    }

    @Test("What az leaves out of its echo for double encryption is kept")
    func azEcho() async throws {
        let services = world.start()
        try await world.makeSet(services, type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        let updated = try await world.arm(services, .put, "disks/disk1", World.diskBody(.platformAndCustomerKeys)).body
        #expect(updated["properties"]?["encryption"]?["diskEncryptionSetId"]?.string == World.set("des1").text)
    }

    @Test("Sizes from 1 to 32767 GiB are taken, in bytes in whole sectors")
    func sizes() async throws {
        let services = world.start()
        func make(_ size: JSONValue) async -> String? {
            await refusal {
                _ = try await world.arm(services, .put, "disks/d", [
                    "location": "uksouth", "properties": .object(["creationData": ["createOption": "Empty"]].merging(size.object ?? [:]) { $1 }),
                ])
                _ = try await world.arm(services, .delete, "disks/d")
            }?.short
        }
        #expect(await make(["diskSizeGB": 1]) == nil)
        #expect(await make(["diskSizeGB": 32767]) == nil)
        #expect(await make(["diskSizeBytes": .int((1 << 30) + 4096)]) == nil)
        for bad: JSONValue in [
            [:], ["diskSizeGB": 0], ["diskSizeGB": -1], ["diskSizeGB": 32768], ["diskSizeGB": .int(.max)], ["diskSizeBytes": 4096],
            ["diskSizeBytes": .int((1 << 30) + 512)], ["diskSizeBytes": .int(.max)], ["diskSizeBytes": -4096],
        ] {
            #expect(await make(bad) == "400 InvalidParameter", "\(bad)")
        }
    }

    @Test("A size in bytes stays when a client echoes it rounded up")
    func exactSize() async throws {
        let services = world.start()
        let exact = Int64((1 << 30) + 4096)
        func put(_ size: [String: JSONValue]) async -> APIError? {
            await refusal {
                _ = try await world.arm(services, .put, "disks/d", [
                    "location": "uksouth", "properties": .object(["creationData": ["createOption": "Empty"]].merging(size) { $1 }),
                ])
            }
        }
        #expect(await put(["diskSizeBytes": .int(exact)]) == nil)
        let shown = try await world.arm(services, .get, "disks/d").body["properties"]
        #expect(shown?["diskSizeGB"] == 2)
        #expect(shown?["diskSizeBytes"] == .int(exact))
        #expect(await put(["diskSizeGB": 2, "diskSizeBytes": .int(exact)]) == nil)
        #expect(await put(["diskSizeGB": 2]) == nil)
        #expect(await put(["diskSizeBytes": .int(1 << 30)])?.message.contains("reduced") == true)
        #expect(await put(["diskSizeGB": 3, "diskSizeBytes": .int(exact)]) == nil)
        #expect(try await world.arm(services, .get, "disks/d").body["properties"]?["diskSizeBytes"] == .int(3 << 30))
    }

    @Test("What is not served is refused with a sentence", arguments: [
        ["creationData": ["createOption": "UploadPreparedSecure", "uploadSizeBytes": 20972032]], ["maxShares": 2], ["networkAccessPolicy": "DenyAll"],
        ["publicNetworkAccess": "Disabled"], ["securityProfile": ["securityType": "TrustedLaunch"]],
        ["burstingEnabled": true], ["diskAccessId": "/x"],
    ] as [JSONValue])
    func notServed(properties: JSONValue) async throws {
        let all = ["creationData": ["createOption": "Empty"], "diskSizeGB": 8].merging(properties.object ?? [:]) { $1 }
        let refused = await refusal {
            _ = try await world.arm(world.start(), .put, "disks/disk1", ["location": "uksouth", "properties": .object(all)])
        }
        #expect(refused?.short == "400 NotSupported")
        #expect(refused?.target != nil)
    }

    @Test("Wrong JSON types are told with the property's name", arguments: [
        "{\"location\": 5}", "{\"location\":\"uksouth\",\"properties\":{\"diskSizeGB\":\"8\"}}", "{\"properties\":[]}", "[]", "x", "",
        "{\"sku\":\"Premium_LRS\"}", "{\"tags\":{\"a\":1}}", "{\"properties\":{\"encryption\":{\"type\":7}}}", "{\"properties\":{\"diskSizeGB\":1.5}}",
    ])
    func wrongTypes(body: String) async throws {
        let services = world.start()
        for path in ["disks/disk1", "diskEncryptionSets/des1"] where !(path.hasPrefix("diskE") && (body.contains("sku") || body.contains("GB") || body.contains("type"))) {
            let refused = await refusal { _ = try await world.arm(services, .put, path, bytes: Array(body.utf8)) }
            #expect(refused?.short == "400 InvalidRequestContent", "\(path)")
        }
    }

    @Test("Unknown words are told with those that there are")
    func unknownWords() async throws {
        let services = world.start()
        #expect(await refusal { _ = try await world.arm(services, .put, "disks/d", World.diskBody(sku: "Floppy")) }?.target == "sku.name")
        #expect(await refusal {
            _ = try await world.arm(services, .patch, "disks/d", ["properties": ["encryption": ["type": "ROT13"]]])
        }?.target == "encryption.type")
        #expect(await refusal {
            _ = try await world.arm(services, .patch, "disks/d", ["properties": ["encryption": ["diskEncryptionSetId": "des1"]]])
        }?.target == "encryption.diskEncryptionSetId")
        #expect(await refusal { try await world.makeDisk(services, set: "nowhere") }?.short == "404 ResourceNotFound")
    }

    @Test("Names that Azure refuses are refused", arguments: ["a b", "-a", "a-", "a.", "ä", "_a", String(repeating: "a", count: 81)])
    func names(name: String) async throws {
        #expect(await refusal { _ = try await world.arm(world.start(), .put, "disks/\(name)", World.diskBody()) }?.target == "name")
    }

    @Test("Who may not read a set may not make disks with it")
    func linkedAuthorization() async throws {
        let services = world.start()
        try await world.makeSet(services)
        world.authorizer.deny("Microsoft.Compute/diskEncryptionSets/read")
        #expect(await refusal { try await world.makeDisk(services) }?.short == "403 LinkedAuthorizationFailed")
    }

    @Test("Disks are listed and deleted; deleting again is no error")
    func deletion() async throws {
        let services = world.start()
        try await world.makeDisk(services, "a", set: nil)
        try await world.makeDisk(services, "b", set: nil)
        #expect(try await world.arm(services, .get, "disks", group: nil).body["value"]?.array?.compactMap { $0["name"]?.string } == ["a", "b"])
        #expect(try await world.arm(services, .delete, "disks/a").status == 200)
        #expect(try await world.arm(services, .delete, "disks/a").status == 204)
        #expect(world.host.disks.count == 1)
        #expect(await refusal { _ = try await world.arm(services, .get, "disks/a") }?.short == "404 ResourceNotFound")
    }

    @Test("An attached disk cannot be deleted")
    func deleteAttached() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        #expect(await refusal { _ = try await world.arm(services, .delete, "disks/disk1") }?.short == "409 OperationNotAllowed")
        try await world.call(services, "detach")
        #expect(try await world.arm(services, .delete, "disks/disk1").status == 200)
        #expect(world.host.disks.isEmpty)
    }

    @Test("A group's disks and sets can be deleted one by one")
    func groupDeletion() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let grant = try await world.authorizer.grant(.management("x"), to: World.caller, on: World.disk("x"))
        #expect(await refusal { try await services.provider.delete(World.set("des1"), by: grant) }?.short == "409 OperationNotAllowed")
        for resource in try await services.provider.resources(in: World.subscription, group: "rg") {
            try await services.provider.delete(resource.id, by: grant)
        }
        #expect(try await services.provider.resources(in: World.subscription, group: nil).isEmpty)
    }

    @Test("Other types and verbs are refused", arguments: [
        (APIRequest.Method.get, "galleries", "404 InvalidResourceType"), (.get, "cloudServices/c1", "404 InvalidResourceType"),
        (.post, "disks/d/beginGetAccess", "400 InvalidRequestContent"), (.get, "disks/d/parts", "404 InvalidResourceType"),
        (.post, "disks/d", "405 MethodNotAllowed"), (.put, "disks", "405 MethodNotAllowed"), (.put, "diskEncryptionSets", "405 MethodNotAllowed"),
        (.post, "diskEncryptionSets/d/associatedResources", "405 MethodNotAllowed"),
    ])
    func otherTypes(method: APIRequest.Method, path: String, error: String) async throws {
        #expect(await refusal { _ = try await world.arm(world.start(), method, path) }?.short == error)
    }
}
