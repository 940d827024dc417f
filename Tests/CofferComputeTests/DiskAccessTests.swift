import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Access to the contents of disks")
struct DiskAccessTests {
    let world = World()

    private func state(_ services: ComputeServices, _ path: String = "disks/disk1") async throws -> String? {
        try await world.arm(services, .get, path).body["properties"]?["diskState"]?.string
    }

    private func revoke(_ services: ComputeServices, _ path: String = "disks/disk1") async throws {
        #expect(try await world.arm(services, .post, path + "/endGetAccess").status == 202)
    }

    private func events() -> [String] { world.audit.events.map { "\($0.operation) \($0.status)" } }

    @Test("A disk is open for reading while an access lasts, and closed after it")
    func life() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services)
        #expect(try await state(services) == "ActiveSAS")
        #expect(try await world.hosted()?.state == .open)
        #expect(world.host.commands.contains { if case .open(_, _, isReadOnly: true, _) = $0 { true } else { false } })
        #expect(try await world.open(services, .get, url, headers: ["range": "bytes=0-3"]).status == 206)
        try await revoke(services)
        #expect(try await state(services) == "Unattached")
        #expect(try await world.hosted()?.state == .closed)
        #expect(try await world.open(services, .get, url).code == "AuthenticationFailed")
        try await revoke(services)
        #expect(events() == ["DiskGrantAccess 202", "DiskUseAccess 206", "DiskRevokeAccess 202", "DiskUseAccess 403", "DiskRevokeAccess 202"])
        #expect(world.audit.events.map(\.callerObjectID) == ["cccccccc", nil, "cccccccc", nil, "cccccccc"])
    }

    @Test("Only the first use is recorded, and nothing that is stored or recorded has the secret")
    func secrecy() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services)
        for _ in 0..<3 { _ = try await world.open(services, .head, url) }
        #expect(events() == ["DiskGrantAccess 202", "DiskUseAccess 200"])
        let secret = url.split(separator: "sig=").last.map(String.init) ?? ""
        #expect(secret.count == 43)
        let record = try #require(try await world.record())
        #expect(!String(decoding: try JSON.encode(record), as: UTF8.self).contains(secret))
        #expect(!world.audit.events.contains { String(describing: $0).contains(secret) })
    }

    @Test("A wrong secret, a wrong name and no access get the same answer")
    func sameAnswer() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services)
        let id = try #require(try await world.record()?.access?.id)
        let other = String(repeating: "0", count: 32)
        for wrong in [
            url.replacing("sig=", with: "sig=A"), String(url.prefix { $0 != "?" }), url.replacing(id, with: other), url.replacing("disk.vhd", with: "a.vhd"),
            "https://localhost:8443/disk-access", "https://localhost:8443/disk-access/\(other)/operation",
        ] {
            let answer = try await world.open(services, .get, wrong)
            #expect(answer.status == 403 && answer.code == "AuthenticationFailed", "\(wrong)")
            #expect(answer.body == APIResponse.blobRefusal(.blobAuthenticationFailed).body, "\(wrong)")
        }
    }

    @Test("An access ends by itself, also while something is read")
    func expiry() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services, seconds: 60)
        let halves = url.split(separator: "?").map(String.init)
        let request = APIRequest(
            method: .get, host: "", path: RequestTarget.segments(of: halves[0].replacing("https://localhost:8443", with: "")) ?? [],
            query: RequestTarget.query(of: halves[1]) ?? [], headers: [:], body: [], address: "", requestID: "", received: world.clock.now())
        let content = try #require(try await services.diskAccess.handle(request).content)
        #expect(content.byteCount == (8 << 30) + 512)
        _ = try await content.read(0, 512)
        world.clock.advance(by: .seconds(60))
        await #expect(throws: APIError.self) { try await content.read(512, 512) }
        #expect(try await world.open(services, .get, url).status == 403)
        #expect(try await state(services) == "Unattached")
        #expect(try await world.hosted()?.state == .open)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(try await world.hosted()?.state == .closed)
        #expect(try await world.record()?.access == nil)
    }

    @Test("The watch wakes when an access expires")
    func watch() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        _ = try await world.grantAccess(services, seconds: 7)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        #expect(memory.nextSweep == world.clock.now().adding(.seconds(7)))
        #expect(try await world.hosted()?.state == .open)
    }

    @Test("A disk that somebody has access to is not attached, deleted or changed")
    func inUse() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        _ = try await world.grantAccess(services)
        #expect(await refusal { try await world.call(services, "attach") }?.message.contains("active shared access signature") == true)
        #expect(await refusal { _ = try await world.arm(services, .delete, "disks/disk1") }?.short == "409 OperationNotAllowed")
        #expect(await refusal { _ = try await world.arm(services, .patch, "disks/disk1", ["properties": ["diskSizeGB": 16]]) }?.short == "409 OperationNotAllowed")
        #expect(try await world.arm(services, .patch, "disks/disk1", ["tags": ["a": "b"]]).status == 200)
        try await revoke(services)
        try await world.call(services, "attach")
        #expect(await refusal { _ = try await world.grantAccess(services) }?.message.contains("is attached") == true)
        try await world.call(services, "detach")
        _ = try await world.grantAccess(services, seconds: 1)
        world.clock.advance(by: .seconds(1))
        try await world.call(services, "attach")
        #expect(world.host.commands.last { if case .open = $0 { true } else { false } }.map { if case .open(_, _, isReadOnly: false, _) = $0 { true } else { false } } == true)
    }

    @Test("A second grant ends the first, and a grant that fails leaves nothing")
    func secondGrant() async throws {
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        let first = try await world.grantAccess(services)
        let second = try await world.grantAccess(services)
        #expect(try await world.open(services, .head, first).status == 403)
        #expect(try await world.open(services, .head, second).status == 200)
        world.vaults.change("kv1") { $0.allowed = [] }
        #expect(await refusal { _ = try await world.grantAccess(services) }?.short == "403 KeyVaultAccessForbidden")
        #expect(try await world.record()?.access == nil)
        #expect(try await world.hosted()?.state == .closed)
        #expect(try await world.open(services, .head, second).status == 403)
    }

    @Test("Losing the key ends an access at once, whatever the set's tags say; an outage does not")
    func keyLoss() async throws {
        let services = world.start()
        try await world.makeSet(services)
        _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": ["coffer-on-key-loss": "continue"]])
        try await world.makeDisk(services)
        let url = try await world.grantAccess(services)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        world.vaults.fail(with: APIError(status: 503, code: "Unavailable", message: "The store is gone."))
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.open(services, .head, url).status == 200)
        world.vaults.fail(with: nil)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        await services.keyWatch.step(&memory)
        #expect(try await world.open(services, .head, url).status == 403)
        #expect(try await world.hosted()?.state == .closed)
        let event = try #require(world.audit.events.last { $0.operation == "DiskRevokeAccess" })
        #expect(event.resultDescription?.contains("is disabled") == true)
    }

    @Test("An access is served again after the host or the server was replaced")
    func restart() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        let url = try await world.grantAccess(services)
        world.host.restart()
        #expect(try await world.open(services, .head, url).code == "ServerBusy")
        let next = world.start()
        try await next.adopt()
        #expect(try await world.open(next, .head, url).status == 200)
        #expect(world.host.commands.filter { if case .open(_, _, isReadOnly: false, _) = $0 { true } else { false } }.isEmpty)
    }

    @Test("A server that ends anywhere in a grant or a revocation leaves a disk that the next one can use", arguments: [true, false])
    func crash(doesLastStep: Bool) async throws {
        for steps in 1..<14 {
            let world = World()
            try await world.makeDisk(world.start(), set: nil)
            let fuse = Fuse(steps: steps, doesLastStep: doesLastStep)
            let dying = world.start(fuse: fuse)
            _ = try? await world.grantAccess(dying)
            _ = try? await world.arm(dying, .post, "disks/disk1/endGetAccess")
            let next = world.start()
            try await next.adopt()
            let isServed = try await world.record()?.isServed
            #expect(try await world.hosted()?.state == (isServed == true ? .open : .closed), "after \(steps) steps")
            let url = try await world.grantAccess(next)
            #expect(try await world.open(next, .head, url).status == 200)
            #expect(try await world.arm(next, .post, "disks/disk1/endGetAccess").status == 202)
            #expect(try await world.arm(next, .delete, "disks/disk1").status == 200)
            if !fuse.isBurnt { return }
        }
        Issue.record("a grant and a revocation take more steps than were tried")
    }

    @Test("What is asked for is checked", arguments: [
        ("{\"access\":\"None\",\"durationInSeconds\":60}", "400 InvalidParameter"), ("{\"durationInSeconds\":60}", "400 InvalidParameter"),
        ("{\"access\":\"Read\"}", "400 InvalidParameter"), ("{\"access\":\"Read\",\"durationInSeconds\":0}", "400 InvalidParameter"),
        ("{\"access\":\"Read\",\"durationInSeconds\":99999999}", "400 InvalidParameter"),
        ("{\"access\":\"Read\",\"durationInSeconds\":60,\"fileFormat\":\"VHDX\"}", "400 NotSupported"),
        ("{\"access\":\"Read\",\"durationInSeconds\":60,\"getSecureVMGuestStateSAS\":true}", "400 NotSupported"),
        ("{\"access\":\"Write\",\"durationInSeconds\":60}", "409 OperationNotAllowed"), ("x", "400 InvalidRequestContent"),
    ])
    func badRequests(body: String, error: String) async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        #expect(await refusal { _ = try await world.arm(services, .post, "disks/disk1/beginGetAccess", bytes: Array(body.utf8)) }?.short == error)
        #expect(await refusal { _ = try await world.arm(services, .post, "disks/none/endGetAccess") }?.short == "404 ResourceNotFound")
        #expect(try await world.record()?.access == nil)
    }

    @Test("A snapshot is read as a disk is")
    func snapshots() async throws {
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        _ = try await world.arm(services, .put, "snapshots/s", [
            "location": "uksouth", "properties": ["creationData": ["createOption": "Copy", "sourceResourceId": .string(World.disk("disk1").text)]],
        ])
        let url = try await world.grantAccess(services, "snapshots/s")
        #expect(try await state(services, "snapshots/s") == "ActiveSAS")
        #expect(try await world.open(services, .head, url).status == 200)
        #expect(await refusal { _ = try await world.arm(services, .delete, "snapshots/s") }?.message.contains("for snapshot 's'") == true)
        try await revoke(services, "snapshots/s")
        #expect(try await world.arm(services, .delete, "snapshots/s").status == 200)
    }
}
