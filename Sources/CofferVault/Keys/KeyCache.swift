import Synchronization

/// The keys that were used last, ready for use. A key version's material never changes, so what is here is never
/// stale; but it must go when its version is disabled or deleted.
final class KeyCache: Sendable {
    private struct Entry {
        let key: SoftwareKey
        var lastUse: UInt64
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var uses: UInt64 = 0
        var removals: UInt64 = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: How many keys are kept, at least 1.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// How many keys are in memory.
    var count: Int { state.withLock { $0.entries.count } }

    /// The key of a version, which `path` names, or nil with a ticket for ``insert(_:_:_:)``.
    func key(_ path: String) -> (key: SoftwareKey?, ticket: UInt64) {
        state.withLock { state in
            state.uses += 1
            state.entries[path]?.lastUse = state.uses
            return (state.entries[path]?.key, state.removals)
        }
    }

    /// Keeps a key, unless one was removed since the ticket was given: it may have been this one.
    func insert(_ key: SoftwareKey, _ path: String, _ ticket: UInt64) {
        state.withLock { state in
            guard state.removals == ticket else { return }
            state.uses += 1
            state.entries[path] = Entry(key: key, lastUse: state.uses)
            guard state.entries.count > capacity else { return }
            if let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })?.key {
                state.entries[oldest] = nil
            }
        }
    }

    /// Forgets one version.
    func remove(_ path: String) {
        state.withLock { state in
            state.removals += 1
            state.entries[path] = nil
        }
    }

    /// Forgets all versions whose paths begin with `prefix`.
    func removeKeys(below prefix: String) {
        state.withLock { state in
            state.removals += 1
            state.entries = state.entries.filter { !$0.key.hasPrefix(prefix) }
        }
    }
}
