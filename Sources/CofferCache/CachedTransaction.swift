import CofferPlatform

/// A read answered from memory alone. It ends as soon as it would need the store; what its body made of that is thrown away.
final class CachedTransaction: ReadTransaction {
    private let cache: DocumentCache
    private let pass: DocumentCache.Pass
    private let epoch: UInt64
    private var slots: [Int] = []
    private var isMissing = false

    private struct NotInMemory: Error {}

    init(_ cache: DocumentCache, _ pass: DocumentCache.Pass) {
        self.cache = cache
        self.pass = pass
        epoch = cache.epoch
    }

    /// Whether everything was found, and all of it is one state of the store.
    var isWhole: Bool { !isMissing && cache.holds(slots, since: epoch) }

    /// Keeps what was made of it.
    func keep(_ result: some Sendable, answering question: StoreQuestion) {
        cache.keep(result, answering: question, from: slots, asOf: epoch)
    }

    func document(_ id: String, in collection: String) throws -> Document? {
        guard case .document(let document) = try answer(.document(DocumentName(collection: collection, id: id))) else {
            throw missing()
        }
        return document
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        let question = DocumentCache.Question.listing(in: collection, prefix: prefix, after: after, limit: limit)
        guard case .listing(let documents) = try answer(question) else { throw missing() }
        return documents
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        throw missing()
    }

    private func answer(_ question: DocumentCache.Question) throws -> DocumentCache.Answer {
        guard let (answer, slot) = cache.answer(question, pass) else { throw missing() }
        slots.append(slot)
        return answer
    }

    private func missing() -> NotInMemory {
        isMissing = true
        return NotInMemory()
    }
}

/// A read of the store that notes what it found.
final class RecordingTransaction: ReadTransaction {
    private let base: any ReadTransaction
    private(set) var answers: [(question: DocumentCache.Question, answer: DocumentCache.Answer)] = []

    init(_ base: any ReadTransaction) {
        self.base = base
    }

    func document(_ id: String, in collection: String) throws -> Document? {
        let document = try base.document(id, in: collection).map(\.remembered)
        answers.append((.document(DocumentName(collection: collection, id: id)), .document(document)))
        return document
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        let documents = try base.documents(in: collection, prefix: prefix, after: after, limit: limit).map(\.remembered)
        answers.append((.listing(in: collection, prefix: prefix, after: after, limit: limit), .listing(documents)))
        return documents
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try base.events(in: stream, after: after, limit: limit)
    }
}

extension DocumentCache.Question {
    fileprivate static func listing(in collection: String, prefix: String, after: String?, limit: Int) -> Self {
        .listing(
            DocumentName(collection: collection, id: prefix),
            after: after.map { DocumentName(collection: collection, id: $0) }, limit: limit)
    }
}

extension Document {
    /// The document with room for what it is decoded to.
    fileprivate var remembered: Document { Document(id: id, etag: etag, body: body, decoded: DecodedDocument()) }
}
