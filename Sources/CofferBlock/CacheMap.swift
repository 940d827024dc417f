import Glibc

/// What a host's cache has of a disk, in chunks of 256 sectors, and who is at work on which chunk.
///
/// - A chunk that is read or written is not evicted.
/// - A chunk that is written back is not written meanwhile: what is written back is one moment's.
@safe
final class CacheMap: @unchecked Sendable {
    // SAFETY: all that changes is touched only under `mutex`, which lives as long as this object.
    struct Chunk {
        var present = SectorSet()
        /// Those that the storage does not have yet, all of them present.
        var dirty = SectorSet()
        var readers = 0
        var writers = 0
        var isWrittenBack = false
        var lastUse: UInt64 = 0
        /// In `order`.
        var place: Int
    }

    /// What becomes of sectors that were written.
    enum Outcome {
        /// The cache has them, the storage not.
        case dirty
        /// Both have them.
        case clean
        /// The cache has them not.
        case absent
        /// As they were.
        case unchanged
    }

    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var chunks: [UInt64: Chunk] = [:]
    private var order: [UInt64] = []
    private var dirtyChunks: Set<UInt64> = []
    private var presentCount = 0
    private var dirtyCount = 0
    private var clock: UInt64 = 0
    private var isEnding = false
    private let limit: Int
    private let evict: (UInt64) -> Void

    /// - Parameters:
    ///   - limit: The most sectors that are present.
    ///   - evict: Called when a chunk is not present any more, so that its space is given back; may not call this object.
    init(limit: Int, evict: @escaping (UInt64) -> Void) {
        self.limit = limit
        self.evict = evict
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    /// Sectors that the storage does not have yet.
    var dirtySectorCount: Int { locked { dirtyCount } }

    var presentSectorCount: Int { locked { presentCount } }

    /// The chunks that have such sectors, in order.
    func dirtyNumbers() -> [UInt64] { locked { dirtyChunks.sorted() } }

    /// One of them.
    func dirtyNumber() -> UInt64? { locked { dirtyChunks.first } }

    /// Begins to read a chunk.
    ///
    /// - Returns: What is present of it. It stays so until ``endRead(_:kept:)``, but for what others read or write.
    func beginRead(_ number: UInt64) -> SectorSet {
        locked {
            use(number) { chunk in
                chunk.readers += 1
                return chunk.present
            }
        }
    }

    /// Makes room for sectors that were read and are to be kept.
    ///
    /// - Returns: Whether there is.
    func makeRoom(_ count: Int) -> Bool {
        locked { hasRoom(count) }
    }

    /// - Parameter kept: Sectors that the cache has now.
    func endRead(_ number: UInt64, kept: SectorSet) {
        locked {
            guard var chunk = chunks[number] else { return }
            chunk.readers -= 1
            let before = chunk.present.count
            chunk.present.formUnion(kept)
            presentCount += chunk.present.count - before
            chunks[number] = chunk
        }
    }

    /// Begins to write a chunk, once it is not being written back.
    func beginWrite(_ number: UInt64) {
        locked {
            while chunks[number]?.isWrittenBack == true { unsafe pthread_cond_wait(changed, mutex) }
            use(number) { $0.writers += 1 }
        }
    }

    func endWrite(_ number: UInt64, _ sectors: Range<Int>, _ outcome: Outcome) {
        locked {
            guard var chunk = chunks[number] else { return }
            chunk.writers -= 1
            presentCount -= chunk.present.count
            dirtyCount -= chunk.dirty.count
            switch outcome {
            case .dirty:
                chunk.present.insert(sectors)
                chunk.dirty.insert(sectors)
            case .clean:
                chunk.present.insert(sectors)
                chunk.dirty.remove(sectors)
            case .absent:
                chunk.present.remove(sectors)
                chunk.dirty.remove(sectors)
            case .unchanged: break
            }
            presentCount += chunk.present.count
            dirtyCount += chunk.dirty.count
            if chunk.dirty.isEmpty { dirtyChunks.remove(number) } else { dirtyChunks.insert(number) }
            chunks[number] = chunk
            unsafe pthread_cond_broadcast(changed)
        }
    }

    /// Begins to write a chunk back, once nobody writes it and nobody else writes it back.
    ///
    /// - Returns: What is dirty of it, or nil if nothing is.
    func beginWriteBack(_ number: UInt64) -> SectorSet? {
        locked {
            while chunks[number]?.isWrittenBack == true { unsafe pthread_cond_wait(changed, mutex) }
            // A chunk with dirty sectors, or one that is written, is not evicted.
            guard let chunk = chunks[number], !chunk.dirty.isEmpty || chunk.writers > 0 else { return nil }
            chunks[number]?.isWrittenBack = true
            while let chunk = chunks[number], chunk.writers > 0 { unsafe pthread_cond_wait(changed, mutex) }
            if let dirty = chunks[number]?.dirty, !dirty.isEmpty { return dirty }
            chunks[number]?.isWrittenBack = false
            unsafe pthread_cond_broadcast(changed)
            return nil
        }
    }

    /// - Parameter isDone: Whether the storage has it now.
    func endWriteBack(_ number: UInt64, isDone: Bool) {
        locked {
            if isDone, let dirty = chunks[number]?.dirty {
                dirtyCount -= dirty.count
                chunks[number]?.dirty = SectorSet()
                dirtyChunks.remove(number)
            }
            chunks[number]?.isWrittenBack = false
            unsafe pthread_cond_broadcast(changed)
        }
    }

    /// Waits for a moment, or until ``end()``.
    ///
    /// - Returns: Whether it goes on.
    func wait(milliseconds: Int) -> Bool {
        var deadline = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_nsec += milliseconds % 1000 * 1_000_000
        deadline.tv_sec += milliseconds / 1000 + deadline.tv_nsec / 1_000_000_000
        deadline.tv_nsec %= 1_000_000_000
        return locked {
            while !isEnding, unsafe pthread_cond_timedwait(changed, mutex, &deadline) != ETIMEDOUT {}
            return !isEnding
        }
    }

    /// Lets ``wait(milliseconds:)`` end.
    func end() {
        locked {
            isEnding = true
            unsafe pthread_cond_broadcast(changed)
        }
    }

    private func use<R>(_ number: UInt64, _ body: (inout Chunk) -> R) -> R {
        clock &+= 1
        var chunk: Chunk
        if let found = chunks[number] {
            chunk = found
        } else {
            chunk = Chunk(place: order.count)
            order.append(number)
        }
        chunk.lastUse = clock
        defer { chunks[number] = chunk }
        return body(&chunk)
    }

    /// Evicts chunks until `count` sectors more fit.
    private func hasRoom(_ count: Int) -> Bool {
        while presentCount + count > limit || order.count >= limit {
            guard let victim = victim() else { return false }
            remove(victim)
        }
        return true
    }

    /// Of some chunks that can go, the one that was not used for the longest time: a good guess costs less than knowing.
    private func victim() -> UInt64? {
        guard !order.isEmpty else { return nil }
        let samples = (0..<8).map { _ in order[Int.random(in: 0..<order.count)] }
        let found = samples.filter(canGo).min { (chunks[$0]?.lastUse ?? 0) < (chunks[$1]?.lastUse ?? 0) }
        return found ?? order.first(where: canGo)
    }

    private func canGo(_ number: UInt64) -> Bool {
        guard let chunk = chunks[number] else { return false }
        return chunk.readers == 0 && chunk.writers == 0 && !chunk.isWrittenBack && chunk.dirty.isEmpty
    }

    private func remove(_ number: UInt64) {
        guard let chunk = chunks.removeValue(forKey: number) else { return }
        presentCount -= chunk.present.count
        let last = order.removeLast()
        if last != number {
            order[chunk.place] = last
            chunks[last]?.place = chunk.place
        }
        if !chunk.present.isEmpty { evict(number) }
    }

    private func locked<R>(_ body: () -> R) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(changed)
        unsafe mutex.deallocate()
        unsafe changed.deallocate()
    }
}
