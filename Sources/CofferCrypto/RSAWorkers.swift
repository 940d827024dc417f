package import CofferCore
import Synchronization

/// Threads for private operations of RSA keys and other work that occupies a processor. Operations that wait together are
/// done in batches where the processor can (``RSABatch``); elsewhere, and when few wait, by OpenSSL one after the other.
package final class RSAWorkers: Sendable {
    /// From so many on a batch is quicker than OpenSSL.
    private static let worthwhile = 3

    private let pool: WorkerPool
    private let waiting = Mutex<[Job]>([])
    private let usesBatches: Bool

    /// - Parameters:
    ///   - name: Names the threads, at most 15 characters.
    ///   - threads: About as many as there are processors.
    ///   - usesBatches: Whether operations are batched where the processor can.
    package init(name: String, threads: Int, usesBatches: Bool = true) {
        pool = WorkerPool(name: name, threads: threads)
        self.usesBatches = usesBatches
    }

    /// Runs `body` on one of the threads and returns what it returns.
    package func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await pool.run(body)
    }

    /// ``RSAKey/sign(digest:using:)`` on one of the threads.
    package func sign(digest: [UInt8], using scheme: RSASignature, with key: RSAKey) async throws -> [UInt8] {
        guard batches(key) else { return try await run { try key.sign(digest: digest, using: scheme) } }
        return try await wait(key, try RSAEncoding.block(of: digest, scheme, bits: key.bits)) {
            unsafe $0.withUnsafeBytes { unsafe Array($0) }
        } alone: {
            try key.sign(digest: digest, using: scheme)
        }
    }

    /// ``RSAKey/sign(undigested:)`` on one of the threads.
    package func sign(undigested bytes: [UInt8], with key: RSAKey) async throws -> [UInt8] {
        guard batches(key) else { return try await run { try key.sign(undigested: bytes) } }
        return try await wait(key, try RSAEncoding.block(of: bytes, bits: key.bits)) {
            unsafe $0.withUnsafeBytes { unsafe Array($0) }
        } alone: {
            try key.sign(undigested: bytes)
        }
    }

    /// ``RSAKey/decrypt(_:using:)`` on one of the threads, where `reveal` takes the plaintext too.
    package func decrypt<R: Sendable>(
        _ ciphertext: [UInt8], using scheme: RSAEncryption, with key: RSAKey,
        _ reveal: @escaping @Sendable (borrowing SecretBytes) throws -> R
    ) async throws -> R {
        // OpenSSL itself knows how to answer a padding of PKCS #1 v1.5 that is wrong so that nobody can tell.
        guard scheme != .pkcs1, ciphertext.count == key.modulus.count, batches(key) else {
            return try await run { try reveal(try key.decrypt(ciphertext, using: scheme)) }
        }
        return try await wait(key, ciphertext) {
            try reveal(try RSAEncoding.decode(SecretBytes(copying: $0), of: scheme))
        } alone: {
            try reveal(try key.decrypt(ciphertext, using: scheme))
        }
    }

    private func batches(_ key: RSAKey) -> Bool {
        usesBatches && RSABatch.takes(key)
    }

    /// - Parameters:
    ///   - take: Makes the answer of the batch's result.
    ///   - alone: Makes the answer by OpenSSL.
    private func wait<R: Sendable>(
        _ key: RSAKey, _ block: [UInt8], take: @escaping @Sendable (RawSpan) throws -> R, alone: @escaping @Sendable () throws -> R
    ) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            let job = Job(
                key: key, block: block,
                take: { block in continuation.resume(with: Result { try take(block) }) },
                alone: { continuation.resume(with: Result(catching: alone)) })
            waiting.withLock { $0.append(job) }
            // One turn for each job; those whose job went with another's find less to do.
            pool.start { self.takeTurn() }
        }
    }

    private func takeTurn() {
        let jobs: [Job] = waiting.withLock { waiting in
            guard let bits = waiting.first?.key.bits else { return [] }
            var places = [0]
            for place in waiting.indices.dropFirst() where places.count < RSABatch.most {
                if waiting[place].key.bits == bits { places.append(place) }
            }
            if places.count < Self.worthwhile { places = [0] }
            let jobs = places.map { waiting[$0] }
            for place in places.reversed() { waiting.remove(at: place) }
            return jobs
        }
        let operations = jobs.count > 1 ? jobs.compactMap(\.operation) : []
        guard operations.count == jobs.count else {
            for job in jobs { job.alone() }
            return
        }
        RSABatch.run(operations) { place, result in
            // OpenSSL finds the words for what is wrong.
            if let result { jobs[place].take(result) } else { jobs[place].alone() }
        }
    }

    /// An operation that waits, and the two ways to answer it, of which exactly one is gone.
    private struct Job: Sendable {
        let key: RSAKey
        let block: [UInt8]
        let take: @Sendable (RawSpan) -> Void
        let alone: @Sendable () -> Void

        var operation: RSABatch.Operation? {
            key.preparedForBatches.map { RSABatch.Operation(key: $0, block: block) }
        }
    }
}
