/// Something about a chain that is not as Coffer wrote it.
package enum AuditFinding: Hashable, Sendable {
    /// A block or signature that is not of the form that they have.
    case unreadable(AuditPart, sequence: Int64)
    /// The record's bytes do not have its hash, given the record before it.
    case altered(record: Int64)
    /// Records are not there although later ones are.
    case missing(first: Int64, last: Int64)
    /// The record stands behind one with the same or a higher number.
    case misplaced(record: Int64)
    /// The installation signed another hash of this record: it, or one before it, was rewritten with new hashes.
    case rewritten(record: Int64)
    /// The chain ends before a record that the installation signed, or that its end names.
    case truncated(last: Int64, expected: Int64)
    /// A signature of this record's hash does not hold.
    case badSignature(record: Int64)
    /// A signature is by a key that is not the installation's.
    case unknownKey(record: Int64, key: String)
    /// A record was known to have another hash.
    case unlikeWitness(record: Int64)

    /// For people.
    package var sentence: String {
        switch self {
        case .unreadable(.records, let sequence): "Block \(sequence) cannot be read: it was damaged or replaced."
        case .unreadable(.signatures, let sequence): "Signature \(sequence) cannot be read: it was damaged or replaced."
        case .altered(let record): "Record \(record) was altered: it does not have the hash that follows from the record before it."
        case .missing(let first, let last): first == last ? "Record \(first) was removed." : "Records \(first) to \(last) were removed."
        case .misplaced(let record): "Record \(record) does not stand in its place: it was moved or doubled."
        case .rewritten(let record): "Record \(record) or one before it was rewritten: its hash is not the one that was signed."
        case .truncated(let last, let expected): "The chain ends at record \(last) and had at least \(expected): its end was cut off."
        case .badSignature(let record): "The signature at record \(record) does not hold: it was altered or forged."
        case .unknownKey(let record, let key): "The signature at record \(record) is by the key \(key), which is not this installation's."
        case .unlikeWitness(let record): "Record \(record) does not have the hash that the witness noted: it, or one before it, was rewritten."
        }
    }
}
