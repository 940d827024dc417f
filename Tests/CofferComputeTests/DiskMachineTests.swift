import CofferCore
import CofferModel
import Testing

@testable import CofferCompute

@Suite("What is to be done about a disk")
struct DiskMachineTests {
    private func record(_ phase: DiskRecord.Phase, attached: Bool) throws -> DiskRecord {
        DiskRecord(
            id: World.disk("d"), disk: try #require(DiskID("11111111-2222-3333-4444-555555555555")), location: "uksouth", tags: [:],
            sku: .premium, byteCount: 4096, encryption: .platformKey, set: nil, created: Timestamp(seconds: 0), labels: DiskLabels(),
            phase: phase, isAttached: attached)
    }

    private func status(_ record: DiskRecord, _ state: DiskStatus.State?) -> DiskStatus? {
        state.map {
            DiskStatus(
                disk: record.disk, state: $0, byteCount: 4096, allocatedByteCount: 0, generation: 1, layers: [], export: nil, reason: nil,
                clientCount: 0)
        }
    }

    @Test("Each wish with each state has one step", arguments: [
        (true, nil, .missing), (true, .closed, .open), (true, .open, .check), (true, .suspended, .revive),
        (false, nil, .nothing), (false, .closed, .nothing), (false, .open, .close), (false, .suspended, .close),
    ] as [(Bool, DiskStatus.State?, DiskMachine.Step)])
    func steps(attached: Bool, state: DiskStatus.State?, step: DiskMachine.Step) throws {
        let record = try record(.succeeded, attached: attached)
        #expect(DiskMachine.step(for: record, status(record, state), at: Timestamp(seconds: 5)) == step)
    }

    @Test("Who has access is served like a guest, until the access expires", arguments: [
        (6, nil, .missing), (6, .closed, .open), (6, .open, .check), (6, .suspended, .revive),
        (5, nil, .endAccess), (5, .closed, .endAccess), (5, .open, .endAccess), (5, .suspended, .endAccess),
    ] as [(Int64, DiskStatus.State?, DiskMachine.Step)])
    func access(expires: Int64, state: DiskStatus.State?, step: DiskMachine.Step) throws {
        var record = try record(.succeeded, attached: false)
        record.access = DiskAccess(id: "a", level: .read, expires: Timestamp(seconds: expires), digest: [])
        #expect(DiskMachine.step(for: record, status(record, state), at: Timestamp(seconds: 5)) == step)
    }

    @Test("What was interrupted is settled first", arguments: [DiskRecord.Phase.creating, .deleting])
    func settle(phase: DiskRecord.Phase) throws {
        let record = try record(phase, attached: false)
        for state in [nil, .closed, .open] as [DiskStatus.State?] {
            #expect(DiskMachine.step(for: record, status(record, state), at: Timestamp(seconds: 5)) == .settle)
        }
    }
}

@Suite("Turns")
struct TurnsTests {
    /// Counts who is inside at the same time.
    private actor Room {
        private(set) var most = 0
        private var inside = 0

        func enter() {
            inside += 1
            most = max(most, inside)
        }

        func leave() { inside -= 1 }
    }

    @Test("One works on a resource at a time, also when some fail")
    func exclusive() async throws {
        struct Failure: Error {}
        let turns = Turns()
        let room = Room()
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask {
                    try? await turns.take("r") {
                        await room.enter()
                        await Task.yield()
                        await room.leave()
                        if index % 3 == 0 { throw Failure() }
                    }
                }
            }
        }
        #expect(await room.most == 1)
    }

    @Test("Work on one resource does not wait for another's")
    func independent() async throws {
        let turns = Turns()
        let answer = try await turns.take("a") { try await turns.take("b") { 5 } }
        #expect(answer == 5)
    }
}
