package import CofferCore
package import CofferCrypto
package import CofferModel

/// Checks a chain, record by record, against its own hashes, the installation's signatures and what a witness noted
/// earlier. Holds nothing but these; who feeds it is not trusted.
package struct AuditVerifier: Sendable {
    private let chain: AuditChain
    private let keys: [String: Ed25519PublicKey]
    private var hasher: AuditHasher
    /// After a gap nothing is known of the hash that the next record follows.
    private var knowsHash = true
    private var lastNumber: Int64 = 0
    /// By record number.
    private var signed: [Int64: Set<[UInt8]>] = [:]
    private var witnessed: [Int64: [UInt8]] = [:]
    private var lastSigned: (count: Int64, time: Timestamp)?
    private var findings: [AuditFinding] = []
    private var expected: Int64 = 0

    /// - Parameter keys: The installation's public keys; kept by the verifier, not asked from whom it checks.
    package init(_ resource: ResourceID, keys: [Ed25519PublicKey]) {
        chain = AuditChain(resource)
        self.keys = Dictionary(keys.map { ($0.thumbprint, $0) }, uniquingKeysWith: { first, _ in first })
        hasher = AuditHasher(count: 0, hash: chain.origin)
    }

    /// What is known of the chain already. Before the records.
    package mutating func expect(count: Int64) {
        expected = max(expected, count)
    }

    /// A hash that was noted elsewhere, such as by an earlier verification. Before the records.
    package mutating func witness(record: Int64, hash: [UInt8]) {
        witnessed[record] = hash
        expect(count: record)
    }

    /// A signature of the chain's stream of signatures. Before the records.
    package mutating func add(signature body: [UInt8]?, sequence: Int64) {
        guard let body, let head = try? JSON.decode(SignedHead.self, from: body), head.count > 0,
            let hash = Base64URL.decode(head.hash), let signature = Base64URL.decode(head.signature)
        else { return findings.append(.unreadable(.signatures, sequence: sequence)) }
        guard let key = keys[head.key] else { return findings.append(.unknownKey(record: head.count, key: head.key)) }
        let message = SignedHead.message(chain, count: head.count, hash: hash, time: head.time)
        guard (try? key.verify(signature, of: message)) == true else {
            return findings.append(.badSignature(record: head.count))
        }
        signed[head.count, default: []].insert(hash)
        if head.count >= lastSigned?.count ?? 0 { lastSigned = (head.count, head.time) }
        expect(count: head.count)
    }

    /// A block of the chain's stream, in order.
    package mutating func add(block body: [UInt8]?, sequence: Int64) {
        guard let block = body.flatMap({ AuditBlock($0) }) else {
            findings.append(.unreadable(.records, sequence: sequence))
            return
        }
        for line in block.lines { add(line) }
    }

    private mutating func add(_ line: AuditBlock.Line) {
        guard line.number > lastNumber else { return findings.append(.misplaced(record: line.number)) }
        if line.number > lastNumber + 1 {
            findings.append(.missing(first: lastNumber + 1, last: line.number - 1))
            knowsHash = false
        }
        if knowsHash {
            hasher.add(line.json)
            if hasher.hash != line.hash { findings.append(.altered(record: line.number)) }
        }
        // What follows is measured against the hash that stands here, so that one altered record is one finding.
        hasher = AuditHasher(count: line.number, hash: line.hash)
        knowsHash = true
        lastNumber = line.number
        if let hashes = signed.removeValue(forKey: line.number), hashes != [line.hash] {
            findings.append(.rewritten(record: line.number))
        }
        if let hash = witnessed[line.number], hash != line.hash { findings.append(.unlikeWitness(record: line.number)) }
    }

    /// What was found, after the last block.
    package func report(on resource: ResourceID) -> AuditReport {
        var findings = findings
        if expected > lastNumber { findings.append(.truncated(last: lastNumber, expected: expected)) }
        return AuditReport(
            resource: resource, count: lastNumber, hash: Base64URL.encode(hasher.hash),
            signedCount: min(lastSigned?.count ?? 0, lastNumber), signedTime: lastSigned?.time, findings: findings)
    }
}

/// What a verification found. Kept elsewhere it is a witness for later ones.
package struct AuditReport: Equatable, Sendable {
    package let resource: ResourceID
    /// The number of the last record.
    package let count: Int64
    /// Its hash, in base64url.
    package let hash: String
    /// The last record that a signature covers. Whoever can write the store can still replace those behind it.
    package let signedCount: Int64
    package let signedTime: Timestamp?
    package let findings: [AuditFinding]

    package var holds: Bool { findings.isEmpty }
}

extension AuditReport: Encodable {
    private enum Name: String, CodingKey {
        case resource, records, hash, signedRecords, signedAt, valid, findings
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(resource, forKey: .resource)
        try container.encode(count, forKey: .records)
        try container.encode(hash, forKey: .hash)
        try container.encode(signedCount, forKey: .signedRecords)
        try container.encodeIfPresent(signedTime?.description, forKey: .signedAt)
        try container.encode(holds, forKey: .valid)
        try container.encode(findings.map(\.sentence), forKey: .findings)
    }
}
