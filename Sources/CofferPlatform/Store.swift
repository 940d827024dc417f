/// Where everything that must survive is kept: documents in collections, and events in append-only streams.
/// Answered by CofferSQLite and CofferPostgres.
///
/// A transaction's body is synchronous, so that nothing can wait for a network while it holds a lock, and may run more
/// than once if the database asks for a retry.
package protocol Store: Sendable {
    /// Runs `body` on one consistent snapshot.
    func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R
    /// The same where `body` depends on `question` and the store alone: a store may answer with what it gave before, for
    /// as long as nothing has changed that it looked at.
    func read<R: Sendable>(
        answering question: StoreQuestion, _ body: @escaping @Sendable (any ReadTransaction) throws -> R
    ) async throws -> R
    /// Runs `body` and commits durably when it returns; nothing is kept if it throws. Serializable.
    @discardableResult
    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R
    /// The same on a thread of the caller's own, which waits for it and runs no tasks.
    @discardableResult
    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R
    /// Appends events at places that the caller chooses, all or none and durably, on a thread of the caller's own. One statement does
    /// it, where ``WriteTransaction/append(_:to:)`` has a counter to lock. A stream is written in one of the two ways, never in both.
    ///
    /// - Throws: ``StoreError/preconditionFailed`` if one of the places is taken, by whatever process.
    func appendHere(_ events: [PlacedEvent]) throws
    /// What ``ReadTransaction/events(in:after:limit:)`` gives, by one statement on a thread of the caller's own.
    func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event]
}

extension Store {
    package func read<R: Sendable>(
        answering question: StoreQuestion, _ body: @escaping @Sendable (any ReadTransaction) throws -> R
    ) async throws -> R {
        try await read(body)
    }
}

/// What can be asked of a store.
package protocol ReadTransaction {
    /// The document, or nil.
    func document(_ id: String, in collection: String) throws -> Document?
    /// Up to `limit` documents whose id begins with `prefix`, in byte order of their ids, after the id `after`.
    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document]
    /// Up to `limit` events of a stream with a sequence number above `after`, oldest first.
    func events(in stream: String, after: Int64, limit: Int) throws -> [Event]
}

/// What can be changed in a store.
package protocol WriteTransaction: ReadTransaction {
    /// Writes a document and returns its new ETag.
    /// - Throws: ``StoreError/preconditionFailed`` if `condition` does not hold.
    @discardableResult
    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String
    /// Removes a document. Returns whether there was one.
    /// - Throws: ``StoreError/preconditionFailed`` if `condition` does not hold.
    @discardableResult
    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool
    /// Appends an event and returns its sequence number, which is above all earlier ones of the stream.
    @discardableResult
    func append(_ body: [UInt8], to stream: String) throws -> Int64
}

/// A stored document.
package struct Document: Sendable {
    package let id: String
    /// Changes at every write.
    package let etag: String
    package let body: [UInt8]
    /// Set by a store that keeps the document in memory.
    package let decoded: DecodedDocument?

    package init(id: String, etag: String, body: [UInt8], decoded: DecodedDocument? = nil) {
        self.id = id
        self.etag = etag
        self.body = body
        self.decoded = decoded
    }
}

extension Document: Equatable {
    package static func == (left: Self, right: Self) -> Bool {
        left.id == right.id && left.etag == right.etag && left.body == right.body
    }
}

/// An event of a stream.
package struct Event: Equatable, Sendable {
    /// Rises within a stream; gaps are possible.
    package let sequence: Int64
    package let body: [UInt8]

    package init(sequence: Int64, body: [UInt8]) {
        self.sequence = sequence
        self.body = body
    }
}

/// An event on its way to a place of its stream.
package struct PlacedEvent: Equatable, Sendable {
    package let stream: String
    /// From 1.
    package let sequence: Int64
    package let body: [UInt8]

    package init(stream: String, sequence: Int64, body: [UInt8]) {
        self.stream = stream
        self.sequence = sequence
        self.body = body
    }
}

/// What must hold for a write to happen.
package enum WriteCondition: Equatable, Sendable {
    case any
    /// There is no such document.
    case absent
    /// The document is there with this ETag.
    case etag(String)
}

package enum StoreError: Error, Equatable, Sendable {
    /// The document changed, exists or is missing, contrary to the condition.
    case preconditionFailed
    /// The database cannot be reached or is not ours; the text is for the log.
    case unavailable(String)
    /// A stored document does not decode; names collection and id.
    case corrupt(String)
    /// A document's id, or the name of a collection or stream, is not one that a store can hold (see ``StoreName``).
    case badName
}
