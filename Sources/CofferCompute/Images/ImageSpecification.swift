import CofferModel

/// The body of a PUT or PATCH of an image. What is read-only in it is passed over, as clients echo it.
struct ImageBody: Decodable {
    struct Properties: Decodable {
        let sourceVirtualMachine: Reference?
        let storageProfile: StorageProfile?
        let hyperVGeneration: String?
    }

    struct StorageProfile: Decodable {
        let osDisk: Disk?
        let dataDisks: [Disk]?
        let zoneResilient: Bool?
    }

    struct Disk: Decodable {
        let lun: Int?
        let osType: String?
        let osState: String?
        let managedDisk: Reference?
        let snapshot: Reference?
        let blobUri: String?
        let diskEncryptionSet: Reference?
        let diskSizeGB: Int64?
    }

    struct Reference: Decodable {
        let id: String?
    }

    let location: String?
    let tags: [String: String]?
    let properties: Properties?
}

/// What a PUT asks of an image, each value checked by itself.
struct ImageSpecification: Sendable {
    struct Disk: Sendable {
        /// Of a data disk; nil for the OS disk.
        let lun: Int?
        let source: ResourceID
        let set: ResourceID?
    }

    let location: String?
    let tags: [String: String]?
    let osType: String?
    let osState: String?
    let hyperVGeneration: String?
    /// The OS disk first; empty if nothing was said.
    let disks: [Disk]

    private static let maximumDiskCount = 65

    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: ImageBody) throws {
        let properties = body.properties
        if properties?.sourceVirtualMachine?.id != nil {
            throw APIError.notServedYet("Images of virtual machines are", target: "sourceVirtualMachine")
        }
        location = body.location.map(Location.canonical)
        tags = try body.tags.map(Tags.checked)
        hyperVGeneration = properties?.hyperVGeneration
        let profile = properties?.storageProfile
        if profile?.zoneResilient == true { throw APIError.notServedYet("Zone-resilient images are", target: "storageProfile.zoneResilient") }
        osType = profile?.osDisk?.osType
        osState = profile?.osDisk?.osState
        var disks: [Disk] = []
        if let disk = profile?.osDisk { disks.append(try Self.disk(disk, lun: nil, at: "osDisk")) }
        for disk in profile?.dataDisks ?? [] {
            guard let lun = disk.lun, 0..<64 ~= lun, !disks.contains(where: { $0.lun == lun }) else {
                throw APIError.invalidParameter(
                    "Each data disk of an image has a 'lun' of its own, 0 to 63.", target: "storageProfile.dataDisks.lun")
            }
            disks.append(try Self.disk(disk, lun: lun, at: "dataDisks"))
        }
        guard disks.count <= Self.maximumDiskCount else {
            throw APIError.invalidParameter("An image has at most \(Self.maximumDiskCount) disks.", target: "storageProfile.dataDisks")
        }
        self.disks = disks
    }

    private static func disk(_ disk: ImageBody.Disk, lun: Int?, at place: String) throws -> Disk {
        if disk.blobUri?.isEmpty == false { throw APIError.notServedYet("Images of blobs are", target: "storageProfile.\(place).blobUri") }
        guard let text = disk.managedDisk?.id ?? disk.snapshot?.id, let source = ResourceID(text) else {
            throw APIError.invalidParameter(
                "A disk of an image is made of a disk or a snapshot: name its id in 'managedDisk.id' or 'snapshot.id'.",
                target: "storageProfile.\(place)")
        }
        return Disk(lun: lun, source: source, set: try disk.diskEncryptionSet?.id.flatMap(DiskSpecification.set))
    }
}
