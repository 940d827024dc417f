import CofferCore
import CofferCrypto
package import CofferModel
import CofferPlatform

/// The chain of one resource's records: where it is kept, and how one record follows another
/// (docs/formats/audit-log.md).
package struct AuditChain: Hashable, Sendable {
    /// The key of the resource's id, which is also the id of the document ``AuditHead``.
    package let key: String
    private let digest: String

    package init(_ resource: ResourceID) {
        self.init(key: resource.key)
    }

    init(key: String) {
        self.key = key
        digest = Base64URL.encode(DigestAlgorithm.sha256.hash(Array(key.utf8)))
    }

    /// The stream of its blocks. A stream's name is too short for an id.
    package var stream: String { "audit/\(digest)" }
    /// The stream of the signatures of its heads.
    package var signatures: String { "audit-signatures/\(digest)" }

    /// What the first record follows, another value for each resource.
    package var origin: [UInt8] {
        DigestAlgorithm.sha256.hash(Array("coffer audit chain v1".utf8) + [0] + Array(key.utf8))
    }
}

/// A place in a chain from which its end is found, and how much of it is signed: a document of ``collection`` under the chain's key.
/// Written when the chain begins and at each signature, not with each block.
package struct AuditHead: Codable, Equatable, Sendable {
    package static let collection = "audit-chains"

    /// The resource's id as it was first written.
    let resource: ResourceID
    /// How many records the chain had there; the last one's number.
    private(set) var count: Int64
    /// The hash of that record, in base64url.
    private(set) var hash: String
    /// The number of its block in its stream.
    private(set) var sequence: Int64
    /// The number of the last record whose hash is signed; 0 if none is.
    private(set) var signed: Int64

    /// Where a chain begins.
    init(origin chain: AuditChain, of resource: ResourceID) {
        self.resource = resource
        count = 0
        hash = Base64URL.encode(chain.origin)
        sequence = 0
        signed = 0
    }

    /// The chain is signed up to `end`, which is behind what was signed before.
    mutating func moveSigned(to end: AuditEnd) {
        signed = end.count
        count = end.count
        hash = Base64URL.encode(end.hash)
        sequence = end.sequence
    }
}

/// Hashes records into a chain, one after the other: the hash of a record is SHA-256 over the hash before it (32 bytes),
/// its number (8 bytes, big-endian) and its bytes.
package struct AuditHasher: Sendable {
    /// The number of the last record; 0 at the chain's origin.
    package private(set) var count: Int64
    /// Its hash, or the origin.
    package private(set) var hash: [UInt8]
    private var scratch: [UInt8] = []

    package init(count: Int64, hash: [UInt8]) {
        self.count = count
        self.hash = hash
    }

    package mutating func add(_ record: some Collection<UInt8>) {
        count &+= 1
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: hash)
        for shift in stride(from: 56, through: 0, by: -8) { scratch.append(UInt8(truncatingIfNeeded: count >> Int64(shift))) }
        scratch.append(contentsOf: record)
        hash = DigestAlgorithm.sha256.hash(scratch)
    }
}
