import CofferModel

/// What a disk, snapshot or image was made of; nil for a disk that was empty.
struct DiskOrigin: Codable, Equatable, Sendable {
    enum Kind: String, Codable, Sendable {
        /// A disk or a snapshot.
        case copy = "Copy"
        /// A managed image.
        case image = "FromImage"
        /// A file of another format on this machine.
        case importedFile = "Import"
    }

    let kind: Kind
    /// The disk, snapshot or image, as Azure names it.
    var source: ResourceID?
    /// Of an image, which of its data disks; nil is its OS disk.
    var lun: Int?
    /// The source's own id.
    var sourceDisk: DiskID?
    /// Of an import, the file as the request named it.
    var uri: String?
    /// Of an import, the file's format, such as `qcow2`.
    var format: String?
}

/// What makes a record one of a snapshot.
struct SnapshotTraits: Codable, Equatable, Sendable {
    let isIncremental: Bool
    /// The own id of the disk that the incremental snapshots of a chain are of.
    let family: DiskID?
}

/// A change of the keys of a disk that has begun and may not be at its end.
struct KeyMove: Codable, Equatable, Sendable {
    let encryption: DiskEncryptionType
    let set: ResourceID?
}
