import CofferCore
import CofferModel
import CofferPlatform

extension ReadTransaction {
    /// The end of a chain; nil if it has no record.
    func auditHead(of chain: AuditChain) throws -> AuditHead? {
        try value(AuditHead.self, chain.key, in: AuditHead.collection)?.value
    }
}

extension WriteTransaction {
    /// Lengthens a chain by one block of `records`. Its end is read, or found to stand as it was, in the same transaction, so of
    /// several processes each goes on from what the others wrote.
    ///
    /// - Parameters:
    ///   - records: JSON, in order; not empty.
    ///   - known: The end that was written last; if it still stands nothing need be read.
    /// - Returns: the chain's new end.
    /// - Throws: ``StoreError/corrupt(_:)`` if the end does not belong to the stream; nothing is added to such a chain, for
    ///   it would be broken from there on.
    func append(
        _ records: [[UInt8]], to chain: AuditChain, of resource: ResourceID, after known: WrittenHead?
    ) throws -> WrittenHead {
        if let known {
            do {
                return try append(records, to: chain, after: known.head, if: .etag(known.etag))
            } catch StoreError.preconditionFailed {
                // Another process, or a signature, has changed it since.
            }
        }
        guard let stored = try value(AuditHead.self, chain.key, in: AuditHead.collection) else {
            let origin = AuditHead(resource: resource, count: 0, hash: Base64URL.encode(chain.origin), sequence: 0, signed: 0)
            return try append(records, to: chain, after: origin, if: .absent)
        }
        return try append(records, to: chain, after: stored.value, if: .etag(stored.etag))
    }

    private func append(
        _ records: [[UInt8]], to chain: AuditChain, after head: AuditHead, if condition: WriteCondition
    ) throws -> WrittenHead {
        guard let last = Base64URL.decode(head.hash), last.count == 32, head.sequence < .max else {
            throw StoreError.corrupt("\(AuditHead.collection)/\(chain.key)")
        }
        var hasher = AuditHasher(count: head.count, hash: last)
        let body = AuditBlock.body(records, &hasher)
        var next = head
        next.count = hasher.count
        next.hash = Base64URL.encode(hasher.hash)
        next.sequence = head.sequence + 1
        let etag = try put(next, chain.key, in: AuditHead.collection, if: condition)
        let sequence = try append(body, to: chain.stream)
        guard sequence == next.sequence else {
            throw StoreError.corrupt("\(AuditHead.collection)/\(chain.key): it ends at block \(head.sequence), its stream at \(sequence - 1)")
        }
        return WrittenHead(head: next, etag: etag)
    }
}

/// The end of a chain, and the ETag of the document that says so.
struct WrittenHead: Sendable {
    let head: AuditHead
    let etag: String
}
