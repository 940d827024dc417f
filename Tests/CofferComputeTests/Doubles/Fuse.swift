import CofferModel
import CofferPlatform
import Synchronization

/// Ends a "process" after a number of steps that leave it: from then on nothing that it does reaches the outside any more.
final class Fuse: Sendable {
    struct Crash: Error {}

    private let left: Mutex<Int>
    /// Whether the last step is still done, though its answer is lost.
    let doesLastStep: Bool

    init(steps: Int, doesLastStep: Bool) {
        left = Mutex(steps)
        self.doesLastStep = doesLastStep
    }

    var isBurnt: Bool { left.withLock { $0 <= 0 } }

    func step<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        let before = left.withLock { left in
            defer { left = max(0, left - 1) }
            return left
        }
        guard before > 0 else { throw Crash() }
        if before == 1 {
            if doesLastStep { _ = try await body() }
            throw Crash()
        }
        return try await body()
    }
}

struct FusedStore: Store {
    let base: any Store
    let fuse: Fuse

    func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        guard !fuse.isBurnt else { throw Fuse.Crash() }
        return try await base.read(body)
    }

    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        try await fuse.step { try await base.write(body) }
    }

    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        guard !fuse.isBurnt else { throw Fuse.Crash() }
        return try base.writeHere(body)
    }

    func appendHere(_ events: [PlacedEvent]) throws {
        guard !fuse.isBurnt else { throw Fuse.Crash() }
        try base.appendHere(events)
    }

    func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        guard !fuse.isBurnt else { throw Fuse.Crash() }
        return try base.eventsHere(in: stream, after: after, limit: limit)
    }
}

struct FusedHost: DiskHost {
    let base: any DiskHost
    let fuse: Fuse

    func perform(_ command: DiskCommand) async throws -> DiskReply {
        try await fuse.step { try await base.perform(command) }
    }
}

struct FusedIdentities: ManagedIdentities {
    let base: any ManagedIdentities
    let fuse: Fuse

    func systemAssigned(for resource: ResourceID) async throws -> Caller {
        try await fuse.step { try await base.systemAssigned(for: resource) }
    }

    func removeSystemAssigned(of resource: ResourceID) async throws {
        try await fuse.step { try await base.removeSystemAssigned(of: resource) }
    }

    func userAssigned(_ identity: ResourceID) async throws -> Caller? {
        try await base.userAssigned(identity)
    }
}
