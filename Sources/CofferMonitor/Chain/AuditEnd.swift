import CofferCore
import CofferModel
import CofferPlatform

/// The end of a chain, where its next record goes.
///
/// It is not kept anywhere by itself: it is where the stream of blocks ends. ``AuditHead`` is a place from which it is found.
struct AuditEnd: Equatable, Sendable {
    let chain: AuditChain
    /// The number of the last record; 0 at the chain's origin.
    private(set) var count: Int64
    /// Its hash, or the origin: 32 bytes.
    private(set) var hash: [UInt8]
    /// The number of the last block in its stream; 0 if there is none.
    private(set) var sequence: Int64
    /// The number of the last record whose hash is known to be signed.
    var signed: Int64

    /// Where a chain begins.
    init(origin chain: AuditChain) {
        self.chain = chain
        count = 0
        hash = chain.origin
        sequence = 0
        signed = 0
    }

    /// - Throws: ``StoreError/corrupt(_:)`` if the document's hash is none.
    fileprivate init(_ head: AuditHead, of chain: AuditChain) throws {
        guard let hash = Base64URL.decode(head.hash), hash.count == 32 else { throw chain.isDamaged }
        self.chain = chain
        count = head.count
        self.hash = hash
        sequence = head.sequence
        signed = head.signed
    }

    /// The next block, and the end behind it.
    ///
    /// - Parameter records: JSON, in order; not empty.
    /// - Throws: ``StoreError/corrupt(_:)`` if the numbers have come to their end.
    func lengthened(by records: [[UInt8]]) throws -> (block: PlacedEvent, end: AuditEnd) {
        guard sequence < .max, count < Int64.max - Int64(records.count) else { throw chain.isDamaged }
        var hasher = AuditHasher(count: count, hash: hash)
        let body = AuditBlock.body(records, &hasher)
        var end = self
        end.count = hasher.count
        end.hash = hasher.hash
        end.sequence = sequence + 1
        return (PlacedEvent(stream: chain.stream, sequence: end.sequence, body: body), end)
    }

    /// Goes on over the blocks that were added since. Whether they fit what stands before them is for ``AuditVerifier`` to say: a record
    /// that was tampered with must not end a vault's work.
    ///
    /// - Parameter events: The chain's events behind a number, so many at most.
    /// - Throws: ``StoreError/corrupt(_:)`` if the last one is no block.
    mutating func move(over events: (_ after: Int64, _ limit: Int) throws -> [Event]) throws {
        while true {
            let page = try events(sequence, StoreAuditSource.eventsOfPage)
            if let event = page.last {
                guard let last = AuditBlock(event.body)?.lines.last else { throw chain.isDamaged }
                count = last.number
                hash = last.hash
                sequence = event.sequence
            }
            if page.count < StoreAuditSource.eventsOfPage { return }
        }
    }
}

extension AuditChain {
    fileprivate var isDamaged: StoreError { .corrupt("\(AuditHead.collection)/\(key)") }
}

extension ReadTransaction {
    /// The document of a chain; nil if it has no record.
    func auditHead(of chain: AuditChain) throws -> AuditHead? {
        try value(AuditHead.self, chain.key, in: AuditHead.collection)?.value
    }

    /// The end of a chain; nil if it has no record.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` if the stream ends before the place that the document names, has blocks without a document,
    ///   or ends with what is no block. Nothing is added to such a chain, for it would be broken from there on.
    func auditEnd(of chain: AuditChain) throws -> AuditEnd? {
        guard let head = try auditHead(of: chain) else {
            guard try events(in: chain.stream, after: 0, limit: 1).isEmpty else { throw chain.isDamaged }
            return nil
        }
        var end = try AuditEnd(head, of: chain)
        if end.sequence > 0 {
            let there = try events(in: chain.stream, after: end.sequence - 1, limit: 1).first
            guard there?.sequence == end.sequence else { throw chain.isDamaged }
        }
        try end.move { try events(in: chain.stream, after: $0, limit: $1) }
        return end
    }
}

extension WriteTransaction {
    /// The end of a chain, which begins now if it has no record.
    ///
    /// - Throws: what ``ReadTransaction/auditEnd(of:)`` does.
    func openAuditChain(_ chain: AuditChain, of resource: ResourceID) throws -> AuditEnd {
        if let end = try auditEnd(of: chain) { return end }
        try put(AuditHead(origin: chain, of: resource), chain.key, in: AuditHead.collection, if: .absent)
        return AuditEnd(origin: chain)
    }
}
