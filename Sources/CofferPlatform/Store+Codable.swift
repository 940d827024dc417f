import CofferModel

extension ReadTransaction {
    /// A document decoded, with its ETag.
    /// - Throws: ``StoreError/corrupt(_:)`` if it is not a `Value`.
    package func value<Value: Decodable & Sendable>(
        _ type: Value.Type, _ id: String, in collection: String
    ) throws -> (value: Value, etag: String)? {
        guard let document = try document(id, in: collection) else { return nil }
        return (try decode(type, document, collection), document.etag)
    }

    /// Every document whose id begins with `prefix`, decoded, in order of id.
    package func values<Value: Decodable & Sendable>(_ type: Value.Type, in collection: String, prefix: String = "") throws -> [Value] {
        var values: [Value] = []
        var after: String?
        while true {
            let page = try documents(in: collection, prefix: prefix, after: after, limit: 500)
            for document in page { values.append(try decode(type, document, collection)) }
            guard page.count == 500, let last = page.last else { return values }
            after = last.id
        }
    }

    private func decode<Value: Decodable & Sendable>(_ type: Value.Type, _ document: Document, _ collection: String) throws -> Value {
        if let known = document.decoded?.value(as: type) { return known }
        do {
            let value = try JSON.decode(type, from: document.body)
            document.decoded?.keep(value)
            return value
        } catch {
            throw StoreError.corrupt("\(collection)/\(document.id)")
        }
    }
}

extension WriteTransaction {
    /// Writes a value as JSON and returns its new ETag.
    @discardableResult
    package func put(
        _ value: some Encodable, _ id: String, in collection: String, if condition: WriteCondition = .any
    ) throws -> String {
        try put(id, in: collection, body: try JSON.encode(value), if: condition)
    }
}
