/// Why a header or a disk's directory is refused.
package enum DiskFormatError: Error, Equatable, Sendable {
    /// The file does not begin as a header does.
    case notAHeader
    /// A header of another version of Coffer.
    case unknownVersion(UInt32)
    /// A header whose bytes contradict themselves; the text says where.
    case damaged(String)
    /// Values that no header can hold; the text says which.
    case invalid(String)
    /// The header is another disk's.
    case otherDisk
    /// A data key that is not the one this layer was made with.
    case wrongKey(layer: Int)
    /// The data file is missing or has another size than the header says.
    case dataMissing
    /// The journal of a re-encryption in progress is missing or has no valid record, so that nobody knows which sectors are under
    /// which keys; the text says where.
    case journalDamaged(String)
    /// No directory for this disk.
    case notFound
    /// A directory for this disk is there already.
    case exists
    /// The file system refused.
    case file(FileError)

    /// A sentence for people, without the path.
    package var sentence: String {
        switch self {
        case .notAHeader: "the file is not a Coffer disk header"
        case .unknownVersion(let version): "the header has version \(version), and this program reads versions up to \(DiskHeader.version)"
        case .damaged(let part): "the header is damaged: \(part)"
        case .invalid(let part): part
        case .otherDisk: "the header belongs to another disk"
        case .wrongKey(let layer): "the key for layer \(layer) is not the data key of this disk"
        case .dataMissing: "the data file is missing or does not have the size that the header names"
        case .journalDamaged(let part): "the journal of the disk's re-encryption is damaged: \(part)"
        case .notFound: "there is no such disk"
        case .exists: "there is such a disk already"
        case .file(let error): error.sentence
        }
    }
}
