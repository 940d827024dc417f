import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Revocation")
struct RevocationTests {
    let world = World()
    static let vault = ResourceID(
        subscription: World.subscription, group: "rg", namespace: "Microsoft.KeyVault", type: "vaults", name: "kv1")

    private func attached(_ services: ComputeServices) async throws -> KeyWatch.Memory {
        try await world.makeSet(services)
        try await world.makeDisk(services)
        try await world.call(services, "attach")
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        return memory
    }

    @Test("Disabling the key stops an open disk with a reason that names the key; enabling it brings it back")
    func disabled() async throws {
        let services = world.start()
        var memory = try await attached(services)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        let reason = try #require(try await world.hosted()?.reason)
        #expect(reason.contains(World.key("v1")) && reason.contains("is disabled"))
        let inspected = try await world.call(services, "inspect")
        #expect(inspected["state"] == "suspended")
        #expect(inspected["reason"]?.string == reason)
        #expect(await refusal { try await world.call(services, "attach") }?.short == "403 KeyVaultKeyDisabled")
        #expect(try await world.arm(services, .get, "disks/disk1").body["properties"]?["diskState"] == "Attached")
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.record()?.reason == nil)
    }

    /// What was taken away, what told of it, and how it comes back.
    static let lost: [(name: String, kind: KeyChange.Kind, scope: ResourceID?, key: String?)] = [
        ("the key", .deleted, nil, "key1"), ("the vault", .deleted, nil, nil), ("permission on the vault", .access, nil, nil),
        ("permission on the group", .access, ResourceID(subscription: World.subscription, group: "RG"), nil),
        ("permission on the subscription", .access, ResourceID(subscription: World.subscription), nil),
        ("permission on the key", .access, vault.child("keys", "key1"), nil),
    ]

    @Test("Every way to lose a key stops the disk, and its return revives it", arguments: lost.indices)
    func losses(index: Int) async throws {
        let (_, kind, scope, key) = Self.lost[index]
        let services = world.start()
        var memory = try await attached(services)
        let allowed = try #require(try await world.setRecord()?.identity.objectID)
        if kind == .access { world.vaults.change("kv1") { $0.allowed = [] } } else { world.vaults.change("kv1") { $0.keys = [:] } }
        try await world.announce(kind, key: key, scope: scope)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        #expect(try await world.hosted()?.reason?.contains(World.key("v1")) == true)
        if kind == .access { world.vaults.change("kv1") { $0.allowed = [allowed] } } else { world.vaults.change("kv1", "key1", "v1") { _ in } }
        try await world.announce(kind == .access ? .access : .recovered, key: key, scope: scope)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("Expiry, which no event tells, is found by the sweep")
    func expiry() async throws {
        let services = world.start()
        var memory = try await attached(services)
        world.vaults.change("kv1", "key1", "v1") { $0.expires = world.clock.now().adding(.seconds(30)) }
        world.clock.advance(by: .seconds(31))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        world.clock.advance(by: .seconds(30))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        #expect(try await world.hosted()?.reason?.contains("expired") == true)
    }

    @Test("Disks of other vaults and platform keys go on")
    func others() async throws {
        let services = world.start()
        var memory = try await attached(services)
        try await world.makeDisk(services, "plain", set: nil)
        try await world.call(services, "attach", "plain")
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes, vault: "kv2")
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .suspended)
        #expect(try await world.hosted("plain")?.state == .open)
    }

    @Test("A key service that cannot tell stops nothing", arguments: [
        APIError(status: 500, code: "InternalError", message: ""), APIError(status: 503, code: "ServiceUnavailable", message: ""),
        APIError(status: 429, code: "Throttled", message: ""), StoreError.unavailable("gone"),
    ] as [any Error & Sendable])
    func outage(error: any Error & Sendable) async throws {
        let services = world.start()
        var memory = try await attached(services)
        world.vaults.fail(with: error)
        try await world.announce(.access, key: nil)
        world.clock.advance(by: .seconds(120))
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(!world.lines.isEmpty)
    }

    @Test("A detached disk is not touched")
    func detached() async throws {
        let services = world.start()
        var memory = try await attached(services)
        try await world.call(services, "detach")
        world.vaults.change("kv1") { $0.allowed = [] }
        try await world.announce(.access, key: nil)
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .closed)
        #expect(try await world.record()?.reason == nil)
    }

    @Test("A disk that is attached while its key is taken away does not stay open")
    func race() async throws {
        let services = world.start()
        var memory = try await attached(services)
        for _ in 0..<20 {
            world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
            try await world.call(services, "detach")
            await withTaskGroup(of: Void.self) { group in
                group.addTask { _ = await refusal { try await world.call(services, "attach") } }
                await Task.yield()
                world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
                try? await world.announce(.attributes)
                await services.keyWatch.step(&memory)
            }
            #expect(try await world.hosted()?.state != .open)
        }
    }

    // MARK: Starts

    @Test("Disks that are served are adopted as they are")
    func adoption() async throws {
        _ = try await attached(world.start())
        let before = world.host.commands.count
        try await world.start().adopt()
        #expect(try await world.hosted()?.state == .open)
        let after = world.host.commands.dropFirst(before)
        #expect(!after.contains { if case .open = $0 { true } else if case .close = $0 { true } else { false } })
    }

    @Test("Disks are opened again after their host was replaced")
    func hostRestarted() async throws {
        let services = world.start()
        _ = try await attached(services)
        world.host.restart()
        #expect(try await world.hosted()?.state == .closed)
        try await services.adopt()
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("After a start a disk whose key was lost stays closed with a reason, and opens when the key is back")
    func hostRestartedWithoutKey() async throws {
        _ = try await attached(world.start())
        world.host.restart()
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        let services = world.start()
        try await services.adopt()
        #expect(try await world.hosted()?.state == .closed)
        let inspected = try await world.call(services, "inspect")
        #expect(inspected["isAttached"] == true)
        #expect(inspected["reason"]?.string?.contains("is disabled") == true)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        try await world.announce(.attributes)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .open)
        #expect(try await world.call(services, "inspect")["reason"] == nil)
    }

    @Test("A host that is not there at the start is asked again")
    func hostLate() async throws {
        _ = try await attached(world.start())
        world.host.restart()
        world.host.setDown(true)
        let services = world.start()
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(!memory.hasStarted)
        world.host.setDown(false)
        await services.keyWatch.step(&memory)
        #expect(memory.hasStarted)
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("A disk that its host lost is told, and one that nobody knows is left alone")
    func lostDisk() async throws {
        let services = world.start()
        _ = try await attached(services)
        let record = try #require(try await world.record())
        world.host.change(record.disk) { $0.state = .closed }
        _ = try await world.host.perform(.delete(disk: record.disk))
        let stranger = try #require(DiskID("11111111-2222-3333-4444-555555555555"))
        _ = try await world.host.perform(.create(disk: stranger, byteCount: 4096, layers: [], keys: []))
        try await services.adopt()
        #expect(try await world.record()?.reason?.contains("no data") == true)
        #expect(world.host.disks[stranger] != nil)
    }

    // MARK: The loop

    @Test("The bell wakes the watch, which ends when it is cancelled")
    func loop() async throws {
        let services = world.start(poll: .seconds(3600))
        try await world.makeSet(services)
        try await world.makeDisk(services)
        try await world.call(services, "attach")
        let (suspensions, told) = AsyncStream.makeStream(of: Void.self)
        world.host.interrupt { command in
            if case .suspend = command { told.yield() }
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await services.keyWatch.run() }
            world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
            try? await world.announce(.attributes)
            for await _ in suspensions { break }
            group.cancelAll()
        }
    }
}
