import CofferPlatform
import Synchronization

/// A write that tells the cache, before it changes a document, that the document is not to be answered from memory.
struct MarkingTransaction: WriteTransaction {
    private let base: any WriteTransaction
    private let marks: WriteMarks

    init(_ base: any WriteTransaction, _ marks: WriteMarks) {
        self.base = base
        self.marks = marks
    }

    func document(_ id: String, in collection: String) throws -> Document? {
        try base.document(id, in: collection)
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        try base.documents(in: collection, prefix: prefix, after: after, limit: limit)
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try base.events(in: stream, after: after, limit: limit)
    }

    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String {
        marks.begin(DocumentName(collection: collection, id: id))
        return try base.put(id, in: collection, body: body, if: condition)
    }

    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool {
        marks.begin(DocumentName(collection: collection, id: id))
        return try base.remove(id, in: collection, if: condition)
    }

    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        try base.append(body, to: stream)
    }
}

/// The documents that one write has touched, in all its attempts.
final class WriteMarks: Sendable {
    private let cache: DocumentCache
    private let names = Mutex<[DocumentName]>([])

    init(_ cache: DocumentCache) {
        self.cache = cache
    }

    func begin(_ name: DocumentName) {
        cache.beginWrite(of: name)
        names.withLock { $0.append(name) }
    }

    /// The write is committed or given up; its caller has not been told yet.
    func end() {
        let names = names.withLock { names in
            defer { names = [] }
            return names
        }
        for name in names { cache.endWrite(of: name) }
    }
}
