import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Limits and statistics of disks")
struct DiskLimiterTests {
    private func limits(_ world: World) async throws -> DiskLimits? { try await world.hosted()?.limits }

    @Test("Attached disks are held to what their SKU and size do, only where that is wanted", arguments: [true, false])
    func attached(isEnforced: Bool) async throws {
        let world = World(enforcesPerformance: isEnforced)
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        let held = DiskLimits(operationsPerSecond: 120, bytesPerSecond: 25_000_000)
        #expect(try await limits(world) == (isEnforced ? held : DiskLimits.none))
        _ = try await world.arm(services, .patch, "disks/disk1", ["properties": ["tier": "P30"]])
        let tier = DiskLimits(operationsPerSecond: 5000, bytesPerSecond: 200_000_000)
        #expect(try await limits(world) == (isEnforced ? tier : DiskLimits.none))
        #expect(world.host.commands.contains { if case .limit = $0 { true } else { false } } == isEnforced)
    }

    @Test("Limits come back after the host was replaced, and go when they are wanted no more")
    func restart() async throws {
        let world = World(enforcesPerformance: true)
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        try await world.call(services, "attach")
        let held = try await limits(world)
        world.host.restart()
        #expect(try await limits(world) == DiskLimits.none)
        try await services.adopt()
        #expect(try await limits(world) == held)
        let other = World(enforcesPerformance: false)
        try await other.makeDisk(other.start(), set: nil)
        try await other.call(other.start(), "attach")
        other.host.change(try #require(try await other.record()).disk) { $0.limits = DiskLimits(operationsPerSecond: 1, bytesPerSecond: nil) }
        try await other.start().adopt()
        #expect(try await limits(other) == DiskLimits.none)
    }

    @Test("Who was granted access to a disk is not held to them")
    func access() async throws {
        let world = World(enforcesPerformance: true)
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        _ = try await world.grantAccess(services)
        #expect(try await limits(world) == DiskLimits.none)
    }

    @Test("What an attached disk's clients did is told")
    func statistics() async throws {
        let world = World(enforcesPerformance: true)
        let services = world.start()
        try await world.makeDisk(services, set: nil)
        #expect(await refusal { try await world.call(services, "stats") }?.short == "409 OperationNotAllowed")
        try await world.call(services, "attach")
        let found = try await world.call(services, "stats")
        #expect(found["operationsPerSecondLimit"] == 120 && found["bytesPerSecondLimit"] == 25_000_000 && found["delayed"] == 2 && found["delayedMicroseconds"] == 5)
        let read = found["operations"]?.array?.first
        #expect(read?["kind"] == "read" && read?["count"] == 3 && read?["errors"] == 1 && read?["p50Microseconds"] == 2 && read?["p99Microseconds"] == 4)
        world.authorizer.deny("Microsoft.Compute/disks/read")
        #expect(await refusal { try await world.call(services, "stats") }?.status == 403)
    }
}
