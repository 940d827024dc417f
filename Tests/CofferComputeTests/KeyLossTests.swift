import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Losing the key")
struct KeyLossTests {
    let world = World()

    /// An attached disk of a set with `tags`, watched.
    private func attached(_ services: ComputeServices, _ tags: [String: JSONValue]) async throws -> KeyWatch.Memory {
        try await world.makeSet(services)
        _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": .object(tags)])
        try await world.makeDisk(services)
        try await world.call(services, "attach")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        return memory
    }

    private func disable(_ isDisabled: Bool) async throws {
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = !isDisabled }
        try await world.announce(.attributes)
    }

    @Test("With a delay, a disk goes on with the reason and the time told, and stops when that has come")
    func delay() async throws {
        let services = world.start()
        var memory = try await attached(services, ["coffer-key-loss-delay": "10m"])
        try await disable(true)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        let reason = try #require(try await world.call(services, "inspect")["reason"]?.string)
        #expect(reason.contains(World.key("v1")) && reason.contains("stops at 2026-01-01T00:10:00"))
        world.clock.advance(by: .seconds(599))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        world.clock.advance(by: .seconds(1))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        try await disable(false)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.record()?.loss == nil)
        #expect(try await world.call(services, "inspect")["reason"] == nil)
    }

    @Test("A key that comes back in time leaves no trace, and the next loss has the whole delay again")
    func recovery() async throws {
        let services = world.start()
        var memory = try await attached(services, ["Coffer-Key-Loss-Delay": "60s"])
        for _ in 0..<3 {
            try await disable(true)
            await services.keyWatch.step(&memory)
            world.clock.advance(by: .seconds(50))
            try await disable(false)
            await services.keyWatch.step(&memory)
            #expect(try await world.record()?.loss == nil)
            #expect(try await world.hosted()?.state == .open)
        }
        #expect(!world.host.commands.contains { if case .suspend = $0 { true } else { false } })
    }

    @Test("A restart of the control plane does not begin the delay anew")
    func restart() async throws {
        var memory = try await attached(world.start(), ["coffer-key-loss-delay": "1m"])
        try await disable(true)
        await world.start().keyWatch.step(&memory)
        world.clock.advance(by: .seconds(60))
        var fresh = KeyWatch.Memory()
        await world.start().keyWatch.step(&fresh)
        #expect(try await world.hosted()?.state == .suspended)
    }

    @Test("A set can say that open disks go on; what is closed stays closed")
    func keep() async throws {
        let services = world.start()
        var memory = try await attached(services, ["coffer-key-loss": "keep"])
        try await world.makeDisk(services, "other")
        try await disable(true)
        await services.keyWatch.step(&memory)
        world.clock.advance(by: .seconds(86400))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.record()?.reason?.contains("kept in service") == true)
        #expect(await refusal { try await world.call(services, "attach", "other") }?.short == "403 KeyVaultKeyDisabled")
        world.host.restart()
        try await services.adopt()
        #expect(try await world.hosted()?.state == .closed)
    }

    @Test("A set can say that I/O waits")
    func pause() async throws {
        let services = world.start()
        var memory = try await attached(services, ["coffer-key-loss": "pause"])
        try await disable(true)
        await services.keyWatch.step(&memory)
        let disk = try #require(try await world.record()?.disk)
        #expect(world.host.commands.contains { if case .pause(disk, _) = $0 { true } else { false } })
        #expect(!world.host.commands.contains { if case .suspend = $0 { true } else { false } })
        try await disable(false)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("A vault that cannot tell stops disks after the grace period that the set gives, and not before")
    func outage() async throws {
        let services = world.start()
        var memory = try await attached(services, ["coffer-vault-outage-grace": "5m"])
        world.vaults.fail(with: APIError(status: 503, code: "ServiceUnavailable", message: "The token is gone."))
        world.clock.advance(by: .seconds(60))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.record()?.reason?.contains("The token is gone.") == true)
        world.clock.advance(by: .seconds(300))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        world.vaults.fail(with: nil)
        world.clock.advance(by: .seconds(60))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("Tags that came past the check keep no disk in service")
    func unreadableTags() async throws {
        let services = world.start()
        var memory = try await attached(services, ["coffer-key-loss": "keep"])
        var set = try #require(try await world.setRecord())
        set.tags = ["coffer-key-loss": "?"]
        let broken = set
        try await world.store.write { try $0.put(broken) }
        try await disable(true)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
    }

    @Test("What the tags say is checked when they are given", arguments: [
        ("coffer-key-loss", "explode"), ("coffer-key-loss-delay", "soon"), ("coffer-key-loss-delay", "-1s"),
        ("coffer-key-loss-delay", "99999999999999999999s"), ("coffer-key-loss-delay", ""), ("COFFER-VAULT-OUTAGE-GRACE", "1y"),
    ])
    func badTags(name: String, value: String) async throws {
        let services = world.start()
        try await world.makeSet(services)
        let refused = await refusal {
            _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": .object([name: .string(value)])])
        }
        #expect(refused?.short == "400 InvalidParameter")
        #expect(refused?.message.contains(name) == true)
        #expect(try await world.setRecord()?.tags == [:])
    }
}
