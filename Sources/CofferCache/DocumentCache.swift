import CofferPlatform
import Synchronization

/// Answers of a store, each as of an epoch: the count of changes that this process has heard of.
///
/// Changes are noted by slots, not by names, so that there is a bound to what must be remembered of them: an answer counts
/// for as long as nothing that shares its slot has changed since it was asked for. A slot that is shared by chance costs
/// one more read of the store.
final class DocumentCache: Sendable {
    /// Leave to use answers that were kept before a look at the store: what had changed by then is known.
    struct Pass: Sendable {
        fileprivate let number: UInt64

        /// For a store that no other process writes to.
        static let alone = Pass(number: .max)
    }

    /// What a store was asked.
    enum Question: Hashable, Sendable {
        case document(DocumentName)
        /// The prefix takes the place of the id.
        case listing(DocumentName, after: DocumentName?, limit: Int)
    }

    enum Answer: Sendable {
        case document(Document?)
        case listing([Document])
    }

    fileprivate struct Entry: Sendable {
        let answer: Answer
        let asOf: UInt64
        /// How many looks at the store had begun when it was kept.
        let looks: UInt64
        let byteCount: Int
    }

    /// What was made of several answers.
    fileprivate struct Result: Sendable {
        let value: any Sendable
        let slots: [Int]
        let asOf: UInt64
        let looks: UInt64
    }

    fileprivate struct Slot {
        /// The epoch of the last change.
        var changed: UInt64 = 0
        /// How many writes are under way, whose outcome a read of the store may or may not see.
        var writes = 0
    }

    fileprivate struct State {
        var epoch: UInt64 = 1
        /// Answers as of earlier epochs do not count.
        var floor: UInt64 = 0
        var looks: UInt64 = 0
        var slots = [Slot](repeating: Slot(), count: DocumentCache.slotCount)
        /// Answers used since the last turn. When they fill half the room they become the older ones, and the older ones that
        /// were not used meanwhile go.
        var recent: [Question: Entry] = [:]
        var older: [Question: Entry] = [:]
        var recentByteCount = 0
        var results: [StoreQuestion: Result] = [:]
    }

    fileprivate static let slotCount = 1 << 15
    /// The most results that are kept; then they begin anew, for to make one again takes microseconds.
    fileprivate static let mostResults = 1 << 13
    private let state = Mutex(State())
    private let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
    }

    var epoch: UInt64 { state.withLock { $0.epoch } }

    /// How many answers are kept.
    var count: Int { state.withLock { $0.recent.count + $0.older.count } }

    /// The answer, if there is one that counts.
    func answer(_ question: Question, _ pass: Pass) -> (answer: Answer, slot: Int)? {
        let slot = Self.slot(of: question)
        return state.withLock { state in
            guard let entry = state.entry(question, slot), entry.looks < pass.number else { return nil }
            state.turn(over: byteCount / 2)
            return (entry.answer, slot)
        }
    }

    /// What was made of answers that all still count.
    func result(_ question: StoreQuestion, _ pass: Pass) -> (any Sendable)? {
        state.withLock { state in
            guard let result = state.results[question], result.looks < pass.number,
                result.slots.allSatisfy({ state.counts($0, asOf: result.asOf) })
            else { return nil }
            return result.value
        }
    }

    /// Keeps what was made of answers in these slots, which were found since an epoch.
    func keep(_ value: any Sendable, answering question: StoreQuestion, from slots: [Int], asOf epoch: UInt64) {
        state.withLock { state in
            if state.results.count >= Self.mostResults { state.results.removeAll(keepingCapacity: true) }
            state.results[question] = Result(value: value, slots: slots, asOf: epoch, looks: state.looks)
        }
    }

    /// Whether what was found in these slots since `epoch` is one state of the store.
    func holds(_ slots: [Int], since epoch: UInt64) -> Bool {
        state.withLock { state in
            if state.epoch == epoch { return true }
            return state.floor <= epoch && slots.allSatisfy { state.slots[$0].changed <= epoch }
        }
    }

    /// Keeps what a read of the store found that began at an epoch.
    func keep(_ answers: [(question: Question, answer: Answer)], asOf epoch: UInt64) {
        state.withLock { state in
            for (question, answer) in answers {
                let slot = Self.slot(of: question)
                let size = Self.byteCount(of: question, answer)
                guard state.counts(slot, asOf: epoch), size <= byteCount / 8, state.entry(question, slot) == nil else { continue }
                state.recent[question] = Entry(answer: answer, asOf: epoch, looks: state.looks, byteCount: size)
                state.recentByteCount += size
                state.turn(over: byteCount / 2)
            }
        }
    }

    /// A write of the document begins: until it ends, the store is asked.
    func beginWrite(of name: DocumentName) {
        change(name) { $0.writes += 1 }
    }

    /// A write of the document has ended, kept or not.
    func endWrite(of name: DocumentName) {
        change(name) { $0.writes -= 1 }
    }

    /// A look at what other processes have written begins. What is kept from now on counts for later passes only.
    func beginLook() -> UInt64 {
        state.withLock { state in
            state.looks += 1
            return state.looks
        }
    }

    /// The look is over, and everything that it found is no longer believed.
    func endLook(_ number: UInt64, _ changes: StoreChanges) -> Pass {
        switch changes {
        case .documents(let names): for name in names { change(name) { _ in } }
        case .unknown: forgetAll()
        }
        return Pass(number: number)
    }

    func forgetAll() {
        state.withLock { state in
            state.epoch += 1
            state.floor = state.epoch
            state.recent = [:]
            state.older = [:]
            state.recentByteCount = 0
            state.results = [:]
        }
    }

    private func change(_ name: DocumentName, _ body: (inout Slot) -> Void) {
        let slots = [Self.slot(ofDocument: name), Self.slot(ofListingsIn: name.collection)]
        state.withLock { state in
            state.epoch += 1
            for slot in slots {
                state.slots[slot].changed = state.epoch
                body(&state.slots[slot])
            }
        }
    }

    private static func slot(of question: Question) -> Int {
        switch question {
        case .document(let name): slot(ofDocument: name)
        case .listing(let name, _, _): slot(ofListingsIn: name.collection)
        }
    }

    private static func slot(ofDocument name: DocumentName) -> Int {
        Int(truncatingIfNeeded: name.hashValue) & (slotCount - 1)
    }

    /// A document's change may change every listing of its collection.
    private static func slot(ofListingsIn collection: String) -> Int {
        Int(truncatingIfNeeded: collection.hashValue) & (slotCount - 1)
    }

    /// About what an entry takes: the texts, the body, and as much again decoded.
    private static func byteCount(of question: Question, _ answer: Answer) -> Int {
        func size(_ document: Document) -> Int { 200 + document.id.utf8.count + 3 * document.body.count }
        return switch (question, answer) {
        case (.document(let name), .document(let document)): 300 + name.id.utf8.count + (document.map(size) ?? 0)
        case (.listing(let name, _, _), .listing(let documents)): documents.reduce(300 + name.id.utf8.count) { $0 + size($1) }
        case (.document, .listing), (.listing, .document): 300
        }
    }
}

extension DocumentCache.State {
    /// Whether what was asked of a slot at an epoch is still so.
    fileprivate func counts(_ slot: Int, asOf epoch: UInt64) -> Bool {
        epoch >= floor && slots[slot].writes == 0 && slots[slot].changed <= epoch
    }

    /// The entry if it counts; one that does not goes.
    fileprivate mutating func entry(_ question: DocumentCache.Question, _ slot: Int) -> DocumentCache.Entry? {
        if let entry = recent[question] {
            if counts(slot, asOf: entry.asOf) { return entry }
            recent[question] = nil
            recentByteCount -= entry.byteCount
        } else if let entry = older.removeValue(forKey: question), counts(slot, asOf: entry.asOf) {
            recent[question] = entry
            recentByteCount += entry.byteCount
            return entry
        }
        return nil
    }

    fileprivate mutating func turn(over limit: Int) {
        guard recentByteCount > limit else { return }
        older = recent
        recent = [:]
        recentByteCount = 0
    }
}
