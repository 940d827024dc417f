package import CofferPlatform

/// A store that answers from memory what was read before and has not changed since, without a change of thread.
///
/// A read sees one consistent state that is at least as new as the moment it began, as it would of the store itself:
/// docs/design/0008-cached-store.md has the reasoning. Writes always go to the store.
package final class CachedStore: Store {
    private let store: any Store
    private let cache: DocumentCache
    private let barrier: ReadBarrier?

    /// - Parameters:
    ///   - store: The store behind. All writes of this process go through this object.
    ///   - feed: Tells what other processes write; nil if there can be none.
    ///   - byteCount: About how much memory the documents may take.
    package init(_ store: any Store, feed: (any ChangeFeed)?, byteCount: Int = 64 << 20) {
        let cache = DocumentCache(byteCount: byteCount)
        self.store = store
        self.cache = cache
        barrier = feed.map { ReadBarrier(feed: $0, cache: cache) }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        if let pass = try await pass() {
            let transaction = CachedTransaction(cache, pass)
            let outcome = Result { try body(transaction) }
            if transaction.isWhole { return try outcome.get() }
        }
        let epoch = cache.epoch
        return try await store.read { [cache] transaction in
            let recording = RecordingTransaction(transaction)
            // What was found before the body threw was found all the same.
            defer { cache.keep(recording.answers, asOf: epoch) }
            return try body(recording)
        }
    }

    package func read<R: Sendable>(
        answering question: StoreQuestion, _ body: @escaping @Sendable (any ReadTransaction) throws -> R
    ) async throws -> R {
        guard let pass = try await pass() else { return try await read(body) }
        if let found = cache.result(question, pass), let known = found as? R { return known }
        let transaction = CachedTransaction(cache, pass)
        let outcome = Result { try body(transaction) }
        guard transaction.isWhole else { return try await read(body) }
        let result = try outcome.get()
        transaction.keep(result, answering: question)
        return result
    }

    @discardableResult
    package func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        let marks = WriteMarks(cache)
        defer { marks.end() }
        return try await store.write { transaction in try body(MarkingTransaction(transaction, marks)) }
    }

    @discardableResult
    package func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        let marks = WriteMarks(cache)
        defer { marks.end() }
        return try store.writeHere { transaction in try body(MarkingTransaction(transaction, marks)) }
    }

    package func appendHere(_ events: [PlacedEvent]) throws {
        // Only documents are remembered.
        try store.appendHere(events)
    }

    package func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try store.eventsHere(in: stream, after: after, limit: limit)
    }

    /// Runs `operation`, whose reads may all rest on one look at what other processes have written: the first one's. Each
    /// then sees a state at least as new as the moment `operation` began.
    package static func sharingOnePass<R>(_ operation: () async throws -> R) async rethrows -> R {
        try await SharedPass.$current.withValue(SharedPass(), operation: operation)
    }

    /// Leave to read from memory, or nil if that cannot be had now.
    private func pass() async throws -> DocumentCache.Pass? {
        guard let barrier else { return .alone }
        let shared = SharedPass.current
        if let known = shared?.pass(of: barrier) { return known }
        let pass = await barrier.pass()
        if let pass { shared?.set(pass, of: barrier) }
        return pass
    }
}
