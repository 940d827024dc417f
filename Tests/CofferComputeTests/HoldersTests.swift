import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("What depends on keys")
struct HoldersTests {
    let world = World()

    private func get(_ services: ComputeServices, _ what: String, key: String? = nil) async throws -> JSONValue {
        let request = APIRequest(
            method: .get, host: "localhost:8443", path: ["coffer", "v1", "subscriptions", World.subscription, what],
            query: key.map { [("key", $0)] } ?? [], headers: ["authorization": "Bearer operator"], body: [], address: "127.0.0.1",
            requestID: "r", received: world.clock.now())
        return try JSON.decode(JSONValue.self, from: try await services.diskOperations.handle(request).body)
    }

    private func status(_ services: ComputeServices, _ set: String = "des1") async throws -> JSONValue {
        let path = ["coffer", "v1", "subscriptions", World.subscription, "resourceGroups", "rg", "diskEncryptionSets", set, "status"]
        return try JSON.decode(
            JSONValue.self, from: try await services.diskOperations.handle(world.request(.post, path: path, body: [], token: "operator")).body)
    }

    /// Two disks, a snapshot of one, and a disk without a set.
    private func prepare(_ services: ComputeServices) async throws {
        try await world.makeSet(services, rotates: true)
        for name in ["a", "b"] { try await world.makeDisk(services, name) }
        try await world.makeDisk(services, "plain", set: nil)
        _ = try await world.arm(services, .put, "snapshots/s", [
            "location": "uksouth",
            "properties": ["creationData": ["createOption": "Copy", "sourceResourceId": .string(World.disk("a").text)]],
        ])
    }

    @Test("A rotation that one holder keeps back is told with what still needs the old version, until it is done")
    func progress() async throws {
        let services = world.start()
        try await prepare(services)
        let stuck = try #require(try await world.record("b")?.disk)
        world.vaults.change("kv1", "key1", "v2") { _ in }
        try await world.announce(.newVersion)
        world.host.interrupt { command in
            if case .rewrap(stuck, _, _, _, _) = command { throw DiskFailure(.noSpace, "full") }
        }
        var memory = KeyWatch.Memory()
        world.clock.advance(by: .seconds(7))
        await services.keyWatch.step(&memory)
        let during = try await status(services)
        #expect(during["isRotating"] == true)
        #expect(during["holders"] == 3 && during["rewrapped"] == 2)
        #expect(during["oldVersions"] == [["keyUrl": .string(World.key("v1")), "holders": 1]])
        #expect(during["previousKeyUrls"] == [.string(World.key("v1"))])
        #expect(during["autoKeyRotationError"]?["code"] == "InsufficientStorage")
        let report = try await get(services, "dataKeys")
        let rows = report["value"]?.array ?? []
        #expect(rows.count == 4)
        #expect(report["oldVersions"] == [["keyUrl": .string(World.key("v1")), "holders": 1]])
        let row = { (name: String) in rows.first { $0["name"] == .string(name) } }
        #expect(row("a")?["lastRewrap"] == "2026-01-01T00:00:07.000Z")
        #expect(row("a")?["keyVersion"] == "v2" && row("a")?["needsOldVersion"] == false)
        #expect(row("b")?["lastRewrap"] == nil && row("b")?["needsOldVersion"] == true)
        #expect(row("s")?["kind"] == "snapshots" && row("s")?["keyVersion"] == "v2")
        #expect(row("plain")?["keyUrl"] == nil && row("plain")?["encryptionType"] == "EncryptionAtRestWithPlatformKey")

        world.host.interrupt(nil)
        world.clock.advance(by: .seconds(60))
        await services.keyWatch.step(&memory)
        let after = try await status(services)
        #expect(after["isRotating"] == false && after["rewrapped"] == 3 && after["oldVersions"] == [])
        #expect(after["autoKeyRotationError"] == nil)
        #expect(try await get(services, "dataKeys")["oldVersions"] == [])
    }

    @Test("The impact of a key is told by URL and by id, with and without a version, and changes nothing")
    func impact() async throws {
        let services = world.start()
        try await prepare(services)
        try await world.call(services, "attach", "a")
        let before = world.host.commands.count
        let vault = "/subscriptions/\(World.subscription)/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/KV1"
        for key in [World.key("v1"), World.key(nil), "\(vault)/keys/key1", "\(vault)/keys/KEY1/versions/v1"] {
            let rows = try await get(services, "keyImpact", key: key)["value"]?.array ?? []
            let effects = Dictionary(uniqueKeysWithValues: rows.map { ($0["name"]?.string ?? "", $0["effect"]?.string ?? "") })
            #expect(effects == [
                "des1": "no disk, snapshot or image can be made with it", "a": "its I/O stops at once", "b": "cannot be attached",
                "s": "nothing can be made of it",
            ])
        }
        let none = try await get(services, "keyImpact", key: World.key("v2"))
        #expect(none["value"] == [] && none["versions"] == [])
        #expect(world.host.commands.dropFirst(before).allSatisfy { $0 == .list })
        for text in ["", "key1", "https://kv1.vault.localhost/secrets/a", "\(vault)/secrets/a", vault] {
            #expect(await refusal { _ = try await get(services, "keyImpact", key: text) }?.short == "400 InvalidParameter")
        }
    }

    @Test("What cannot be found or asked is said")
    func failures() async throws {
        let services = world.start()
        #expect(await refusal { _ = try await status(services, "none") }?.short == "404 ResourceNotFound")
        try await prepare(services)
        world.host.setDown(true)
        #expect(await refusal { _ = try await get(services, "dataKeys") }?.short == "503 DiskHostUnavailable")
        world.host.setDown(false)
        world.vaults.change("kv1") { $0.keys = [:] }
        let versions = try await get(services, "keyImpact", key: World.key(nil))["versions"]?.array
        #expect(versions?.first?["problem"]?.string?.contains("not found") == true)
    }
}
