import CofferCore
import CofferModel

/// A disk as Azure Resource Manager shows it.
struct DiskResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.Compute/disks"
    let location: String
    let tags: [String: String]
    let sku: SKU
    let zones: [String]?
    let properties: Properties

    struct SKU: Encodable, Sendable {
        let name: String
        let tier: String
    }

    struct Properties: Encodable, Sendable {
        /// RFC 3339.
        let timeCreated: String
        let creationData = CreationData()
        let diskSizeGB: UInt64
        let diskSizeBytes: UInt64
        let uniqueId: String
        let osType: String?
        let hyperVGeneration: String?
        let encryption: Encryption
        let provisioningState: String
        let diskState: String
        let networkAccessPolicy = "AllowAll"
        let publicNetworkAccess = "Enabled"
    }

    struct CreationData: Encodable, Sendable {
        let createOption = "Empty"
    }

    struct Encryption: Encodable, Sendable {
        let type: String
        let diskEncryptionSetId: String?
    }

    init(_ disk: DiskRecord) {
        id = disk.id.text
        name = disk.id.name
        location = disk.location
        tags = disk.tags
        sku = SKU(name: disk.sku.rawValue, tier: disk.sku.tier)
        zones = disk.labels.zones
        let provisioningState = switch disk.phase {
        case .creating: "Creating"
        case .succeeded: "Succeeded"
        case .deleting: "Deleting"
        }
        properties = Properties(
            timeCreated: disk.created.description, diskSizeGB: DiskSize.gibibytes(of: disk.byteCount),
            diskSizeBytes: disk.byteCount, uniqueId: disk.disk.text, osType: disk.labels.osType,
            hyperVGeneration: disk.labels.hyperVGeneration,
            encryption: Encryption(type: disk.encryption.rawValue, diskEncryptionSetId: disk.set?.text),
            provisioningState: provisioningState, diskState: disk.isAttached ? "Attached" : "Unattached")
    }
}
