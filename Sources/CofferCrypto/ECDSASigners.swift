import CofferCore
import Synchronization

/// Signs with keys on elliptic curves. Signatures on P-256 that tasks of one executor ask for in one of its turns are made together
/// where the processor can (``ECDSABatch``), at the executor's next turn and there; all others by OpenSSL, at once.
package final class ECDSASigners: Sendable {
    /// From so many on a batch is quicker than OpenSSL.
    private static let worthwhile = 2

    private let waiting = Mutex<[Job]>([])
    private let usesBatches: Bool

    /// - Parameter usesBatches: Whether signatures are batched where the processor can.
    package init(usesBatches: Bool = true) {
        self.usesBatches = usesBatches
    }

    /// ``ECKey/sign(digest:using:)``, perhaps together with others.
    package func sign(digest: [UInt8], using scheme: ECSignature, with key: ECKey) async throws -> [UInt8] {
        guard usesBatches, scheme == .es256, digest.count == scheme.digest.length, let prepared = key.preparedForBatches,
            let turn = NextTurn.current
        else { return try key.sign(digest: digest, using: scheme) }
        return try await withCheckedThrowingContinuation { continuation in
            let job = Job(key: key, operation: ECDSABatch.Operation(key: prepared, digest: digest), continuation: continuation)
            let isFirst = waiting.withLock { waiting in
                waiting.append(job)
                return waiting.count == 1
            }
            if isFirst { turn.run { self.signWaiting() } }
        }
    }

    private func signWaiting() {
        var jobs = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }[...]
        while !jobs.isEmpty {
            let batch = jobs.prefix(ECDSABatch.most)
            jobs = jobs.dropFirst(batch.count)
            let signatures = batch.count < Self.worthwhile ? batch.map { _ in nil } : ECDSABatch.run(batch.map(\.operation))
            for (job, signature) in zip(batch, signatures) {
                // OpenSSL makes what a batch could not, or finds the words for what is wrong.
                if let signature {
                    job.continuation.resume(returning: signature)
                } else {
                    job.continuation.resume(with: Result { try job.key.sign(digest: job.operation.digest, using: .es256) })
                }
            }
        }
    }

    /// A signature that is waited for.
    private struct Job: Sendable {
        let key: ECKey
        let operation: ECDSABatch.Operation
        let continuation: CheckedContinuation<[UInt8], any Error>
    }
}
