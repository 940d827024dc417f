import CofferCore
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    private struct Stop: Error {}

    @Test func resultAndErrorComeBack() async throws {
        let pool = WorkerPool(name: "test", threads: 2)
        #expect(try await pool.run { 6 * 7 } == 42)
        await #expect(throws: Stop.self) { try await pool.run { throw Stop() } }
        #expect(try await pool.run { "again" } == "again")
    }

    @Test func everyJobIsDoneOnce() async throws {
        let pool = WorkerPool(name: "test", threads: 3)
        let done = Counter()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 {
                group.addTask {
                    try await pool.run {
                        done.value.withLock { $0 += 1 }
                        return number
                    }
                }
            }
            var seen: Set<Int> = []
            for try await number in group { seen.insert(number) }
            #expect(seen.count == 500)
        }
        #expect(done.value.withLock { $0 } == 500)
    }

    @Test func poolOfNoThreadsHasOne() async throws {
        let pool = WorkerPool(name: "test", threads: 0)
        #expect(try await pool.run { true })
    }

    private final class Counter: Sendable {
        let value = Mutex(0)
    }
}
