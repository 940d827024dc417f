import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Coffer's own disk operations")
struct DiskOperationsTests {
    let world = World()

    @Test("Attaching opens a disk with its keys and tells where it is; again tells the same")
    func attach() async throws {
        let services = world.start()
        try await world.makeSet(services, type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        let attached = try await world.call(services, "attach")
        let id = try #require(try await world.record()?.disk.text)
        #expect(attached["nbdUri"]?.string == "nbd+unix:///\(id)?socket=/data%20dir/run/nbd.sock")
        #expect(attached["socketPath"] == "/data dir/run/nbd.sock")
        #expect(attached["exportName"]?.string == id)
        #expect(attached["state"] == "open")
        #expect(try await world.call(services, "attach") == attached)
        #expect(try await world.arm(services, .get, "disks/disk1").body["properties"]?["diskState"] == "Attached")
        let detached = try await world.call(services, "detach")
        #expect(detached["state"] == "closed")
        #expect(detached["nbdUri"] == nil)
        #expect(try await world.call(services, "detach") == detached)
        #expect(try await world.arm(services, .get, "disks/disk1").body["properties"]?["diskState"] == "Unattached")
    }

    @Test("A disk whose key may not be used is not attached, and the answer says why")
    func attachRefused() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        let refused = await refusal { try await world.call(services, "attach") }
        #expect(refused?.short == "403 KeyVaultKeyDisabled")
        #expect(refused?.message.contains(World.key("v1")) == true)
        #expect(try await world.record()?.isAttached == false)
        #expect(try await world.hosted()?.state == .closed)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        #expect(try await world.call(services, "attach")["state"] == "open")
    }

    @Test("An attach whose answer the host lost is taken back")
    func attachLost() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let host = world.host
        host.interrupt { command in
            if case .open = command { throw DiskFailure(.system, "closed the connection without an answer") }
        }
        #expect(await refusal { try await world.call(services, "attach") }?.short == "503 DiskHostUnavailable")
        host.interrupt(nil)
        #expect(try await world.record()?.isAttached == false)
        #expect(try await world.hosted()?.state == .closed)
    }

    @Test("A detach that did not reach the host is done later")
    func detachLater() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        world.host.setDown(true)
        #expect(await refusal { try await world.call(services, "detach") }?.short == "503 DiskHostUnavailable")
        world.host.setDown(false)
        #expect(try await world.hosted()?.state == .open)
        try await services.adopt()
        #expect(try await world.hosted()?.state == .closed)
    }

    @Test("A disk that was detached while its host was gone can be deleted")
    func deleteAfterLostDetach() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        world.host.setDown(true)
        _ = await refusal { try await world.call(services, "detach") }
        world.host.setDown(false)
        #expect(try await world.arm(services, .delete, "disks/disk1").status == 200)
        #expect(world.host.disks.isEmpty)
    }

    @Test("Inspecting shows both layers and their keys' versions")
    func inspect() async throws {
        let services = world.start()
        try await world.makeSet(services, type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        let disk = try await world.call(services, "inspect")
        let id = try #require(try await world.record()?.disk.text)
        #expect(disk["name"] == "disk1")
        #expect(disk["resourceGroup"] == "rg")
        #expect(disk["id"]?.string == id)
        #expect(disk["state"] == "closed")
        #expect(disk["sizeBytes"] == .int(8 << 30))
        #expect(disk["encryptionType"] == "EncryptionAtRestWithPlatformAndCustomerKeys")
        #expect(disk["generation"] == 1)
        #expect(disk["clientCount"] == 0)
        #expect(disk["dataPath"]?.string == "/data/disks/\(id)/data")
        #expect(disk["headerPath"]?.string == "/data/disks/\(id)/header")
        #expect(disk["layers"] == [
            ["index": 0, "keyId": .string(World.key("v1")), "keyVersion": "v1", "algorithm": "RSA-OAEP-256"],
            ["index": 1, "keyId": "platform:1", "keyVersion": "1", "algorithm": "A256KW"],
        ])
        #expect(disk["reason"] == nil)
    }

    @Test("The list shows all disks of the subscription, also one that its host lost")
    func list() async throws {
        let services = world.start()
        try await world.makeDisk(services, "a", set: nil)
        try await world.makeDisk(services, "b", set: nil)
        let lost = try #require(try await world.record("b")?.disk)
        _ = try await world.host.perform(.delete(disk: lost))
        let path = ["coffer", "v1", "subscriptions", World.subscription, "disks"]
        let answer = try await services.diskOperations.handle(world.request(.get, path: path, body: [], token: "operator"))
        let body = try JSON.decode(JSONValue.self, from: answer.body)
        #expect(body["value"]?.array?.map { $0["state"] } == ["closed", "missing"])
        #expect(body["refused"] == [])
    }

    @Test("Exported keys are sealed to who asked, and the export is in the audit log")
    func export() async throws {
        let services = world.start()
        try await world.makeSet(services, type: .platformAndCustomerKeys)
        try await world.makeDisk(services)
        let recipient = [UInt8](repeating: 7, count: 32)
        let answer = try await world.call(services, "exportKey", body: ["recipientKey": .string(Base64URL.encode(recipient))])
        let record = try #require(try await world.record())
        let disk = try #require(try await world.hosted())
        #expect(answer["disk"]?.string == record.disk.text)
        #expect(answer["cipher"] == "aes-256-xts")
        #expect(answer["sectorSize"] == 4096)
        for index in 0..<2 {
            let layer = answer["layers"]?.array?[index]
            #expect(layer?["index"] == .int(Int64(index)))
            #expect(layer?["keyId"]?.string == disk.layers[index].keyID)
            let box = try #require(layer?["sealedKey"]?.string.flatMap { Base64URL.decode($0) })
            #expect(box == recipient + SealedKey.binding(disk: record.disk, layer: index) + disk.dataKeys[index])
        }
        let event = try #require(world.audit.events.last)
        #expect(event.operation == "DiskExportKey")
        #expect(event.status == 200)
        #expect(event.resource == World.disk("disk1"))
        #expect(event.callerObjectID == World.caller.objectID)
    }

    @Test("Without the recovery permission nothing is exported, and the attempt is in the audit log", arguments: [
        ("exportKey", "DiskExportKey"), ("holes", "DiskHoles"),
    ])
    func exportForbidden(operation: String, audited: String) async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        world.authorizer.deny("Microsoft.Compute/disks/exportKey/action")
        let refused = await refusal {
            try await world.call(services, operation, body: ["recipientKey": .string(Base64URL.encode([UInt8](repeating: 7, count: 32)))])
        }
        #expect(refused?.short == "403 AuthorizationFailed")
        #expect(refused?.message.contains("Coffer Disk Recovery Operator") == true)
        #expect(world.audit.events.map(\.operation) == [audited])
        #expect(world.audit.events.map(\.status) == [403])
    }

    @Test("An export that the key service refuses is in the audit log as refused")
    func exportRevoked() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        world.vaults.change("kv1") { $0.allowed = [] }
        let body: JSONValue = ["recipientKey": .string(Base64URL.encode([UInt8](repeating: 7, count: 32)))]
        #expect(await refusal { try await world.call(services, "exportKey", body: body) }?.short == "403 KeyVaultAccessForbidden")
        #expect(world.audit.events.map(\.status) == [403])
    }

    @Test("Nothing is revealed if it cannot be recorded")
    func auditDown() async throws {
        struct Deaf: AuditLog {
            struct Full: Error {}
            func record(_ event: AuditEvent) async throws { throw Full() }
        }
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let handler = DiskOperationsHandler(
            routes: services.diskOperations.routes, authenticator: AuthenticatorDouble(), authorizer: world.authorizer,
            trail: DiskAuditTrail(audit: Deaf(), clock: world.clock), settings: services.diskOperations.settings)
        let path = ["coffer", "v1", "subscriptions", World.subscription, "resourceGroups", "rg", "disks", "disk1", "holes"]
        await #expect(throws: Deaf.Full.self) {
            _ = try await handler.handle(world.request(.post, path: path, body: [], token: "operator"))
        }
    }

    @Test("A recipient's key of another form is refused", arguments: [[:], ["recipientKey": 5], ["recipientKey": "AAAA"], ["recipientKey": "!"]] as [JSONValue])
    func badRecipient(body: JSONValue) async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        #expect(await refusal { try await world.call(services, "exportKey", body: body) }?.status == 400)
    }

    @Test("A token that cannot be used is refused with where to get one", arguments: [nil, "forged"])
    func tokens(token: String?) async throws {
        let refused = await refusal { try await world.call(world.start(), "attach", token: token) }
        #expect(refused?.status == 401)
        #expect(refused?.headers["www-authenticate"]?.hasPrefix("Bearer authorization_uri=") == true)
        #expect(world.audit.events.map(\.status) == [401])
        #expect(world.audit.events.first?.callerObjectID == nil)
    }

    @Test("Permissions are asked for each operation", arguments: [("attach", "write"), ("detach", "write"), ("inspect", "read")])
    func permissions(operation: String, verb: String) async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        world.authorizer.deny("Microsoft.Compute/disks/\(verb)")
        #expect(await refusal { try await world.call(services, operation) }?.short == "403 AuthorizationFailed")
    }

    @Test("Paths that lead nowhere and unknown disks are not found")
    func notFound() async throws {
        let services = world.start()
        #expect(await refusal { try await world.call(services, "format") }?.short == "404 NotFound")
        #expect(await refusal { try await world.call(services, "attach", "x") }?.short == "404 ResourceNotFound")
        #expect(await refusal {
            _ = try await services.diskOperations.handle(world.request(.get, path: ["coffer", "v1"], body: [], token: "operator"))
        }?.short == "404 NotFound")
        #expect(await refusal {
            let path = ["coffer", "v1", "subscriptions", "s", "resourceGroups", "rg", "disks", "d", "attach"]
            _ = try await services.diskOperations.handle(world.request(.get, path: path, body: [], token: "operator"))
        }?.short == "405 MethodNotAllowed")
    }

    @Test("Attaching and detaching are in the audit log")
    func audited() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        try await world.call(services, "inspect")
        try await world.call(services, "detach")
        #expect(world.audit.events.map(\.operation) == ["DiskAttach", "DiskDetach"])
    }

    @Test("Many calls for one disk at a time leave it as the last one wanted it")
    func crowd() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<40 {
                group.addTask { _ = await refusal { try await world.call(services, index % 2 == 0 ? "attach" : "detach") } }
            }
        }
        #expect((try await world.record()?.isAttached == true) == (try await world.hosted()?.state == .open))
    }
}
