import CofferCore
import CofferPlatform
import Synchronization

/// Lets reads pass once everything is known that other processes had committed when they arrived. Those of one turn of an event loop
/// share a look at the store, and those that arrive during a look share the next one.
final class ReadBarrier: Sendable {
    private struct State {
        var isLooking = false
        var waiting: [CheckedContinuation<DocumentCache.Pass?, Never>] = []
    }

    private let feed: any ChangeFeed
    private let cache: DocumentCache
    private let thread = WorkerPool(name: "store-feed", threads: 1)
    private let state = Mutex(State())

    init(feed: any ChangeFeed, cache: DocumentCache) {
        self.feed = feed
        self.cache = cache
    }

    /// A pass from a look that began after this call; nil if the look failed, which the store itself will explain.
    func pass() async -> DocumentCache.Pass? {
        await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(continuation)
                defer { state.isLooking = true }
                return !state.isLooking
            }
            guard isFirst else { return }
            let look: @Sendable () -> Void = { self.thread.start { self.lookUntilNobodyWaits() } }
            if let turn = NextTurn.current { turn.run(look) } else { look() }
        }
    }

    private func lookUntilNobodyWaits() {
        while true {
            let batch = state.withLock { state in
                defer { state.waiting = [] }
                state.isLooking = !state.waiting.isEmpty
                return state.waiting
            }
            if batch.isEmpty { return }
            let pass = look()
            for reader in batch { reader.resume(returning: pass) }
        }
    }

    private func look() -> DocumentCache.Pass? {
        let number = cache.beginLook()
        do {
            return cache.endLook(number, try feed.changes())
        } catch {
            // The feed begins anew at its next call.
            cache.forgetAll()
            return nil
        }
    }
}

/// The pass that the reads of one request share.
final class SharedPass: Sendable {
    @TaskLocal static var current: SharedPass?

    private let known = Mutex<(pass: DocumentCache.Pass, barrier: ObjectIdentifier)?>(nil)

    func pass(of barrier: ReadBarrier) -> DocumentCache.Pass? {
        known.withLock { known in
            guard let known, known.barrier == ObjectIdentifier(barrier) else { return nil }
            return known.pass
        }
    }

    func set(_ pass: DocumentCache.Pass, of barrier: ReadBarrier) {
        known.withLock { $0 = (pass, ObjectIdentifier(barrier)) }
    }
}
