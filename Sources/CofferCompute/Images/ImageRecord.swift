import CofferCore
import CofferModel
import CofferPlatform

/// A managed image as it is stored: names and a list of disks. Each disk is a ``DiskRecord`` below the image's id.
struct ImageRecord: Codable, Equatable, Sendable {
    static let collection = "images"

    struct Disk: Codable, Equatable, Sendable {
        /// Of a data disk; nil for the OS disk.
        let lun: Int?
        /// The disk or snapshot that it is of.
        let source: ResourceID
    }

    let id: ResourceID
    let location: String
    var tags: [String: String]
    let osType: String
    let osState: String
    let hyperVGeneration: String?
    /// The OS disk first.
    let disks: [Disk]
    let created: Timestamp

    /// The id that the record of an image's disk has.
    ///
    /// - Parameter lun: nil for the OS disk.
    static func part(_ image: ResourceID, lun: Int?) -> ResourceID {
        image.child("disks", lun.map(String.init) ?? "os") ?? image
    }

    func part(_ disk: Disk) -> ResourceID { Self.part(id, lun: disk.lun) }
}

extension ResourceID {
    /// What a client knows a record of ciphertext by: an image's disk is part of the image.
    var shown: ResourceID { isType("Microsoft.Compute/images/disks") ? parent ?? self : self }
}

extension ReadTransaction {
    func image(_ id: ResourceID) throws -> ImageRecord? {
        try value(ImageRecord.self, id.key, in: ImageRecord.collection)?.value
    }

    func images(in scope: ResourceID) throws -> [ImageRecord] {
        try values(ImageRecord.self, in: ImageRecord.collection, prefix: scope.key + "/")
    }
}
