@testable import CofferCrypto
import CofferCore
import Synchronization
import Testing

@Suite struct ECDSASignersTests {
    /// An executor that runs what it is given in turns, when it is told to.
    private final class Turns: TaskExecutor {
        private let jobs = Mutex<[UnownedJob]>([])

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
        }

        /// - Returns: How many jobs there were.
        func turn() -> Int {
            let jobs = jobs.withLock { jobs in
                defer { jobs = [] }
                return jobs
            }
            for job in jobs { unsafe job.runSynchronously(on: unsafe asUnownedTaskExecutor()) }
            return jobs.count
        }
    }

    @Test(arguments: [true, false], [1, 2, 7, 8, 9, 17, 40])
    func signaturesOfOneTurnHold(usesBatches: Bool, count: Int) async throws {
        let signers = ECDSASigners(usesBatches: usesBatches)
        let keys = try (0..<3).map { _ in try ECKey.generate(on: .p256) }
        let digests = (0..<count).map { _ in SecureRandom.bytes(32) }
        let turns = Turns()
        let tasks = digests.enumerated().map { place, digest in
            Task(executorPreference: turns) { try await signers.sign(digest: digest, using: .es256, with: keys[place % 3]) }
        }
        var jobs: [Int] = []
        while let count = Optional(turns.turn()), count > 0 { jobs.append(count) }
        // The tasks, the one that signs, and the tasks again.
        if usesBatches, ECDSABatch.isAvailable { #expect(jobs == [count, 1, count]) } else { #expect(jobs == [count]) }
        for (place, task) in tasks.enumerated() {
            let signature = try await task.value
            #expect(try keys[place % 3].verify(signature, digest: digests[place], using: .es256))
        }
    }

    @Test func aTaskWithoutAnExecutorOfItsOwnIsAnsweredToo() async throws {
        let key = try ECKey.generate(on: .p256)
        let digest = SecureRandom.bytes(32)
        let signature = try await ECDSASigners().sign(digest: digest, using: .es256, with: key)
        #expect(try key.verify(signature, digest: digest, using: .es256))
    }

    /// What no batch takes fails or is answered as by the key itself.
    @Test func whatBatchesDoNotTakeIsDoneByTheKey() async throws {
        let signers = ECDSASigners()
        let turns = Turns()
        let key = try ECKey.generate(on: .p256)
        let large = try ECKey.generate(on: .p384)
        let cases: [(key: ECKey, digest: [UInt8], scheme: ECSignature, error: CryptoError?)] = [
            (key, [1, 2, 3], .es256, .invalidLength),
            (key, SecureRandom.bytes(48), .es384, .invalidKey),
            (try ECKey(curve: .p256, x: key.x, y: key.y), SecureRandom.bytes(32), .es256, .invalidKey),
            (large, SecureRandom.bytes(48), .es384, nil),
        ]
        for (key, digest, scheme, error) in cases {
            let task = Task(executorPreference: turns) { try await signers.sign(digest: digest, using: scheme, with: key) }
            while turns.turn() > 0 {}
            if let error {
                await #expect(throws: error) { try await task.value }
            } else {
                #expect(try await key.verify(task.value, digest: digest, using: scheme))
            }
        }
    }
}
