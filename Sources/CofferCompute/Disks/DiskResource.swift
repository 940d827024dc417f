import CofferCore
import CofferModel

/// A disk or a snapshot as Azure Resource Manager shows it.
struct DiskResource: Encodable, Sendable {
    let id: String
    let name: String
    let type: String
    let location: String
    let tags: [String: String]
    let sku: SKU
    let zones: [String]?
    /// The virtual machine that it belongs to.
    let managedBy: String?
    let properties: Properties
    /// Why it failed, for clients that wait for it.
    let error: Failure?

    struct SKU: Encodable, Sendable {
        let name: String
        let tier: String
    }

    struct Properties: Encodable, Sendable {
        /// RFC 3339.
        let timeCreated: String
        let creationData: CreationData
        let diskSizeGB: UInt64
        let diskSizeBytes: UInt64
        let uniqueId: String
        let osType: String?
        let hyperVGeneration: String?
        let encryption: Encryption
        let encryptionSettingsCollection: JSONValue?
        let provisioningState: String
        let diskState: String
        let diskIOPSReadWrite: Int64?
        let diskMBpsReadWrite: Int64?
        let tier: String?
        let incremental: Bool?
        let incrementalSnapshotFamilyId: String?
        /// How much of it was copied, imported or re-encrypted, of 100; only of what is made of something else or changes its encryption.
        let completionPercent: Double?
        let networkAccessPolicy = "AllowAll"
        let publicNetworkAccess = "Enabled"
    }

    struct CreationData: Encodable, Sendable {
        let createOption: String
        let sourceResourceId: String?
        let sourceUniqueId: String?
        let sourceUri: String?
        let imageReference: ImageReference?
        let uploadSizeBytes: UInt64?
        let logicalSectorSize: Int?
    }

    struct ImageReference: Encodable, Sendable {
        let id: String
        let lun: Int?
    }

    struct Encryption: Encodable, Sendable {
        let type: String
        let diskEncryptionSetId: String?
    }

    struct Failure: Encodable, Sendable {
        let code: String
        let message: String
    }

    /// - Parameter now: Accesses expire by themselves.
    init(_ shown: ShownDisk, at now: Timestamp) {
        let disk = shown.record
        id = disk.id.text
        name = disk.id.name
        type = disk.id.resourceType ?? ""
        location = disk.location
        tags = disk.tags
        sku = SKU(name: disk.sku.rawValue, tier: disk.sku.tier)
        zones = disk.labels.zones
        managedBy = disk.machine?.text
        error = disk.phase == .failed ? Failure(code: "DiskCreationFailed", message: disk.reason ?? "") : nil
        properties = Properties(disk, percent: shown.percent, at: now)
    }
}

extension DiskResource.Properties {
    fileprivate init(_ disk: DiskRecord, percent: Double?, at now: Timestamp) {
        let gibibytes = DiskSize.gibibytes(of: disk.byteCount)
        let isSnapshot = disk.snapshot != nil
        let performance = DiskPerformance(of: disk)
        self.init(
            timeCreated: disk.created.description, creationData: DiskResource.CreationData(disk), diskSizeGB: gibibytes,
            diskSizeBytes: disk.byteCount, uniqueId: disk.disk.text, osType: disk.labels.osType,
            hyperVGeneration: disk.labels.hyperVGeneration,
            encryption: DiskResource.Encryption(type: disk.encryption.rawValue, diskEncryptionSetId: disk.set?.text),
            encryptionSettingsCollection: disk.guestEncryption?.document, provisioningState: disk.provisioningState, diskState: disk.state(at: now),
            diskIOPSReadWrite: isSnapshot ? nil : performance.iops, diskMBpsReadWrite: isSnapshot ? nil : performance.mbps,
            tier: isSnapshot ? nil : performance.tier, incremental: disk.snapshot?.isIncremental,
            incrementalSnapshotFamilyId: disk.snapshot?.family?.text,
            completionPercent: disk.isChangingEncryption ? percent ?? 0 : disk.origin == nil ? nil : disk.phase == .succeeded ? 100 : percent ?? 0)
    }
}

extension DiskResource.CreationData {
    fileprivate init(_ disk: DiskRecord) {
        let origin = disk.origin
        createOption = disk.upload == nil ? origin?.kind.rawValue ?? "Empty" : "Upload"
        uploadSizeBytes = disk.upload?.byteCount
        logicalSectorSize = disk.sku.hasChosenSectors ? disk.labels.logicalSectorSize ?? 4096 : nil
        sourceUniqueId = origin?.sourceDisk?.text
        sourceUri = origin?.uri
        sourceResourceId = origin?.kind == .copy ? origin?.source?.text : nil
        imageReference = origin?.kind == .image ? origin?.source.map { DiskResource.ImageReference(id: $0.text, lun: origin?.lun) } : nil
    }
}

extension DiskRecord {
    /// Azure's word for what is being done to it.
    var provisioningState: String {
        switch phase {
        case .creating: "Creating"
        case .succeeded: isChangingEncryption ? "Updating" : "Succeeded"
        case .deleting: "Deleting"
        case .failed: "Failed"
        }
    }

    /// Azure's word for who uses it.
    fileprivate func state(at now: Timestamp) -> String {
        if isAttached { return "Attached" }
        let isOpen = access(at: now) != nil
        if isAwaitingUpload { return isOpen ? "ActiveUpload" : "ReadyToUpload" }
        return isOpen ? "ActiveSAS" : machine == nil ? "Unattached" : "Reserved"
    }
}
