package import CofferPlatform
import Synchronization

/// A store that forgets everything when it goes. It keeps the promises of the real ones but durability.
package final class InMemoryStore: Store {
    private let contents = Mutex(Contents())

    package init() {}

    package func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        try body(MemoryTransaction(contents.withLock { $0 }))
    }

    @discardableResult
    package func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        try writeHere(body)
    }

    @discardableResult
    package func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        try contents.withLock { contents in
            let transaction = MemoryTransaction(contents)
            let result = try body(transaction)
            contents = transaction.contents
            return result
        }
    }

    package func appendHere(_ events: [PlacedEvent]) throws {
        try contents.withLock { contents in
            let transaction = MemoryTransaction(contents)
            for event in events { try transaction.place(event) }
            contents = transaction.contents
        }
    }

    package func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try MemoryTransaction(contents.withLock { $0 }).events(in: stream, after: after, limit: limit)
    }
}

/// All collections and streams, as one value, so that a snapshot is a copy.
private struct Contents: Sendable {
    var collections: [Name: Collection] = [:]
    var streams: [Name: [Event]] = [:]
    /// Counts writes; the ETag of a document is the count of its last one.
    var writeCount: UInt64 = 0

    /// A collection's documents in order of their ids.
    struct Collection: Sendable {
        var documents: [Document] = []

        /// Where `id` is, or would be.
        func position(of id: String) -> Int {
            var low = 0
            var high = documents.count
            while low < high {
                let middle = (low + high) / 2
                if documents[middle].id.utf8.lexicographicallyPrecedes(id.utf8) { low = middle + 1 } else { high = middle }
            }
            return low
        }

        /// The document at `position` if it is the one with this id. Texts are compared byte for byte: Swift's `==` takes
        /// an accented letter and its decomposition for equal, databases do not.
        func document(_ id: String, at position: Int) -> Document? {
            guard position < documents.count, documents[position].id.utf8.elementsEqual(id.utf8) else { return nil }
            return documents[position]
        }
    }

    /// A name compared byte for byte.
    struct Name: Hashable, Sendable {
        let bytes: [UInt8]

        init(_ text: String) { bytes = Array(text.utf8) }
    }
}

private final class MemoryTransaction: WriteTransaction {
    var contents: Contents

    init(_ contents: Contents) {
        self.contents = contents
    }

    func document(_ id: String, in collection: String) throws -> Document? {
        guard let collection = contents.collections[.init(collection)] else { return nil }
        return collection.document(id, at: collection.position(of: id))
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        guard limit > 0, let range = StoreRange(prefix: prefix, after: after),
            let collection = contents.collections[.init(collection)]
        else { return [] }
        let rest = collection.documents[collection.position(of: range.lower)...]
        return Array(rest.prefix { range.contains($0.id) }.prefix(limit))
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        let events = contents.streams[.init(stream)] ?? []
        let start = events.partitioningIndex { $0.sequence > after }
        return Array(events[start...].prefix(max(0, limit)))
    }

    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String {
        guard StoreName.isID(id), StoreName.isCollection(collection) else { throw StoreError.badName }
        var documents = contents.collections[.init(collection)] ?? Contents.Collection()
        let position = documents.position(of: id)
        let old = documents.document(id, at: position)
        guard condition.allows(old) else { throw StoreError.preconditionFailed }
        contents.writeCount += 1
        let new = Document(id: id, etag: "memory-\(contents.writeCount)", body: body)
        if old != nil { documents.documents[position] = new } else { documents.documents.insert(new, at: position) }
        contents.collections[.init(collection)] = documents
        return new.etag
    }

    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool {
        var documents = contents.collections[.init(collection)] ?? Contents.Collection()
        let position = documents.position(of: id)
        let old = documents.document(id, at: position)
        guard condition.allows(old) else { throw StoreError.preconditionFailed }
        guard old != nil else { return false }
        documents.documents.remove(at: position)
        contents.collections[.init(collection)] = documents
        return true
    }

    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        guard StoreName.isCollection(stream) else { throw StoreError.badName }
        let sequence = (contents.streams[.init(stream)]?.last?.sequence ?? 0) + 1
        contents.streams[.init(stream), default: []].append(Event(sequence: sequence, body: body))
        return sequence
    }

    func place(_ event: PlacedEvent) throws {
        guard StoreName.isCollection(event.stream) else { throw StoreError.badName }
        var events = contents.streams[.init(event.stream)] ?? []
        let position = events.partitioningIndex { $0.sequence >= event.sequence }
        guard position == events.count || events[position].sequence != event.sequence else { throw StoreError.preconditionFailed }
        events.insert(Event(sequence: event.sequence, body: event.body), at: position)
        contents.streams[.init(event.stream)] = events
    }
}

extension WriteCondition {
    fileprivate func allows(_ document: Document?) -> Bool {
        switch self {
        case .any: true
        case .absent: document == nil
        case .etag(let etag): document?.etag == etag
        }
    }
}

extension [Event] {
    /// The first index whose element satisfies `isPast`, which holds for everything behind it too.
    fileprivate func partitioningIndex(where isPast: (Event) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isPast(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
