import CofferModel

/// An image with its disks as they are.
struct ShownImage: Sendable {
    let record: ImageRecord
    /// In the order of the record's disks; nil for one that is missing.
    let disks: [DiskRecord?]

    var phase: DiskRecord.Phase {
        if disks.contains(where: { $0 == nil || $0?.phase == .failed }) { return .failed }
        return disks.contains { $0?.phase != .succeeded } ? .creating : .succeeded
    }

    /// Why it failed.
    var reason: String? { phase == .failed ? disks.lazy.compactMap { $0?.reason }.first ?? "A disk of the image is missing." : nil }
}

/// A managed image as Azure Resource Manager shows it.
struct ImageResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.Compute/images"
    let location: String
    let tags: [String: String]
    let properties: Properties
    let error: DiskResource.Failure?

    struct Properties: Encodable, Sendable {
        let storageProfile: StorageProfile
        let provisioningState: String
        let hyperVGeneration: String?
    }

    struct StorageProfile: Encodable, Sendable {
        let osDisk: Disk?
        let dataDisks: [Disk]
        let zoneResilient = false
    }

    struct Disk: Encodable, Sendable {
        let lun: Int?
        let osType: String?
        let osState: String?
        let diskSizeGB: UInt64?
        let managedDisk: Reference?
        let snapshot: Reference?
        let diskEncryptionSet: Reference?
        let caching = "None"
        let storageAccountType: String?
    }

    struct Reference: Encodable, Sendable {
        let id: String
    }

    init(_ image: ShownImage) {
        let record = image.record
        id = record.id.text
        name = record.id.name
        location = record.location
        tags = record.tags
        let shown = zip(record.disks, image.disks).map { Disk($0, $1, of: record) }
        let state = switch image.phase {
        case .creating, .deleting: "Creating"
        case .succeeded: "Succeeded"
        case .failed: "Failed"
        }
        properties = Properties(
            storageProfile: StorageProfile(osDisk: shown.first { $0.lun == nil }, dataDisks: shown.filter { $0.lun != nil }),
            provisioningState: state, hyperVGeneration: record.hyperVGeneration)
        error = image.reason.map { DiskResource.Failure(code: "ImageCreationFailed", message: $0) }
    }
}

extension ImageResource.Disk {
    fileprivate init(_ disk: ImageRecord.Disk, _ part: DiskRecord?, of image: ImageRecord) {
        let isSnapshot = disk.source.isType("Microsoft.Compute/snapshots")
        let source = ImageResource.Reference(id: disk.source.text)
        lun = disk.lun
        osType = disk.lun == nil ? image.osType : nil
        osState = disk.lun == nil ? image.osState : nil
        diskSizeGB = part.map { DiskSize.gibibytes(of: $0.byteCount) }
        managedDisk = isSnapshot ? nil : source
        snapshot = isSnapshot ? source : nil
        diskEncryptionSet = part?.set.map { ImageResource.Reference(id: $0.text) }
        storageAccountType = part?.sku.rawValue
    }
}
