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
    /// Lengthens a chain by one block of `records`. Its end is read in the same transaction, so of several processes each
    /// goes on from what the others wrote.
    ///
    /// - Parameters:
    ///   - records: JSON, in order; not empty.
    ///   - known: The end that was written last, which need not be decoded if it still stands.
    /// - Returns: the chain's new end.
    /// - Throws: ``StoreError/corrupt(_:)`` if the end does not belong to the stream; nothing is added to such a chain, for
    ///   it would be broken from there on.
    func append(
        _ records: [[UInt8]], to chain: AuditChain, of resource: ResourceID, after known: WrittenHead?
    ) throws -> WrittenHead {
        var head = try auditHead(of: chain, known) ?? AuditHead(
            resource: resource, count: 0, hash: Base64URL.encode(chain.origin), sequence: 0, signed: 0)
        guard let last = Base64URL.decode(head.hash), last.count == 32 else {
            throw StoreError.corrupt("\(AuditHead.collection)/\(chain.key)")
        }
        var hasher = AuditHasher(count: head.count, hash: last)
        let sequence = try append(AuditBlock.body(records, &hasher), to: chain.stream)
        guard sequence - 1 == head.sequence else {
            throw StoreError.corrupt("\(AuditHead.collection)/\(chain.key): it ends at block \(head.sequence), its stream at \(sequence - 1)")
        }
        head.count = hasher.count
        head.hash = Base64URL.encode(hasher.hash)
        head.sequence = sequence
        let body = try JSON.encode(head)
        try put(chain.key, in: AuditHead.collection, body: body, if: .any)
        return WrittenHead(head: head, body: body)
    }

    private func auditHead(of chain: AuditChain, _ known: WrittenHead?) throws -> AuditHead? {
        guard let known else { return try auditHead(of: chain) }
        guard let stored = try document(chain.key, in: AuditHead.collection) else { return nil }
        return stored.body == known.body ? known.head : try auditHead(of: chain)
    }
}

/// The end of a chain with the document that says so.
struct WrittenHead: Sendable {
    let head: AuditHead
    let body: [UInt8]
}
