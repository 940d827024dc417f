import CofferModel

/// The body of a PUT or PATCH of a disk. What is read-only in it is passed over, as clients echo it.
struct DiskBody: Decodable {
    struct SKU: Decodable {
        let name: String?
    }

    struct Properties: Decodable {
        let creationData: CreationData?
        let diskSizeGB: Int64?
        let diskSizeBytes: Int64?
        let encryption: Encryption?
        let osType: String?
        let hyperVGeneration: String?
        let tier: String?
        let diskIOPSReadWrite: Int64?
        let diskMBpsReadWrite: Int64?
        /// Of a snapshot.
        let incremental: Bool?
        let maxShares: Int?
        let networkAccessPolicy: String?
        let publicNetworkAccess: String?
        let diskAccessId: String?
        let burstingEnabled: Bool?
        let securityProfile: JSONValue?
        let encryptionSettingsCollection: Settings?
    }

    struct CreationData: Decodable {
        let createOption: String?
        let sourceResourceId: String?
        let sourceUri: String?
        let imageReference: ImageReference?
        let galleryImageReference: ImageReference?
        let logicalSectorSize: Int?
        let uploadSizeBytes: Int64?
    }

    struct ImageReference: Decodable {
        let id: String?
        let lun: Int?
    }

    struct Encryption: Decodable {
        let type: String?
        let diskEncryptionSetId: String?
    }

    struct Settings: Decodable {
        let enabled: Bool?
        let encryptionSettings: JSONValue?
        let encryptionSettingsVersion: String?
    }

    let location: String?
    let tags: [String: String]?
    let sku: SKU?
    let zones: [String]?
    let extendedLocation: JSONValue?
    let properties: Properties?
}

/// What a PUT or PATCH asks of a disk, each value checked by itself; nil where nothing was said. Which go together with each
/// other and with the disk as it is, is decided by ``DisksService``.
struct DiskSpecification: Sendable {
    let location: String?
    let tags: [String: String]?
    let sku: DiskSKU?
    let size: DiskSize?
    let creation: DiskCreationWish?
    /// Of a snapshot.
    let isIncremental: Bool?
    let encryption: DiskEncryptionType?
    let set: ResourceID?
    let guestEncryption: GuestEncryption?
    let labels: DiskLabels

    /// - Parameter skus: Those that the type of resource has.
    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: DiskBody, skus: [DiskSKU] = DiskSKU.ofDisks) throws {
        let properties = body.properties
        try Self.refuseWhatComesLater(body)
        location = body.location.map(Location.canonical)
        tags = try body.tags.map(Tags.checked)
        sku = try body.sku?.name.map { name in
            guard let sku = DiskSKU(word: name), skus.contains(sku) else {
                throw APIError.invalidParameter(
                    "The SKU '\(name.prefix(60))' is unknown. There are: " + skus.map(\.rawValue).joined(separator: ", ") + ".", target: "sku.name")
            }
            return sku
        }
        size = try DiskSize(gibibytes: properties?.diskSizeGB, bytes: properties?.diskSizeBytes)
        creation = try properties?.creationData.flatMap(DiskCreationWish.init)
        isIncremental = properties?.incremental
        encryption = try properties?.encryption?.type.map(Self.encryption)
        set = try properties?.encryption?.diskEncryptionSetId.flatMap(Self.set)
        guestEncryption = try properties?.encryptionSettingsCollection.map { try GuestEncryption($0) }
        labels = try Self.labels(body)
    }

    /// What an image or a virtual machine wants for one of its disks.
    init(
        location: String, sku: DiskSKU? = nil, size: DiskSize? = nil, creation: DiskCreationWish? = nil, set: ResourceID?,
        labels: DiskLabels = DiskLabels()
    ) {
        self.location = location
        self.sku = sku
        self.size = size
        self.creation = creation
        self.set = set
        self.labels = labels
        (tags, isIncremental, encryption, guestEncryption) = (nil, nil, nil, nil)
    }

    private static func encryption(_ word: String) throws -> DiskEncryptionType {
        guard let type = DiskEncryptionType(word: word) else {
            throw APIError.invalidParameter(
                "The encryption type '\(word.prefix(80))' is unknown. There are: "
                    + DiskEncryptionType.ofManagedDisks.map(\.rawValue).joined(separator: ", ") + ".", target: "encryption.type")
        }
        return type
    }

    /// - Returns: nil for an empty text.
    static func set(_ text: String) throws -> ResourceID? {
        guard !text.isEmpty else { return nil }
        guard let id = ResourceID(text), id.isType("Microsoft.Compute/diskEncryptionSets"), id.group != nil else {
            throw APIError.invalidParameter(
                "'\(text.prefix(200))' is not the id of a disk encryption set, /subscriptions/…/resourceGroups/…/providers/"
                    + "Microsoft.Compute/diskEncryptionSets/….", target: "encryption.diskEncryptionSetId")
        }
        return id
    }

    private static func labels(_ body: DiskBody) throws -> DiskLabels {
        let properties = body.properties
        if let tier = properties?.tier, !tier.isEmpty, !DiskPerformance.isTier(tier) {
            throw APIError.invalidParameter("The performance tier '\(tier.prefix(20))' is unknown. There are P1 to P80.", target: "tier")
        }
        for (name, value) in [("diskIOPSReadWrite", properties?.diskIOPSReadWrite), ("diskMBpsReadWrite", properties?.diskMBpsReadWrite)] {
            if let value, !(1...1_000_000).contains(value) {
                throw APIError.invalidParameter("The value \(value) of '\(name)' is out of range: 1 to 1000000.", target: name)
            }
        }
        return DiskLabels(
            osType: properties?.osType, hyperVGeneration: properties?.hyperVGeneration, zones: body.zones, tier: properties?.tier,
            iops: properties?.diskIOPSReadWrite, mbps: properties?.diskMBpsReadWrite, logicalSectorSize: properties?.creationData?.logicalSectorSize)
    }

    /// What would make a promise that is not kept is refused instead of passed over.
    private static func refuseWhatComesLater(_ body: DiskBody) throws {
        let properties = body.properties
        let asked: [(isAsked: Bool, what: String, target: String)] = [
            (properties?.creationData?.logicalSectorSize.map { $0 != 4096 && $0 != 512 } == true,
                "Logical sector sizes other than 512 and 4096 are", "creationData.logicalSectorSize"),
            ((properties?.maxShares ?? 1) > 1, "Shared disks, maxShares above 1, are", "maxShares"),
            (properties?.networkAccessPolicy.map { $0.lowercased() != "allowall" } == true,
                "Network access policies other than AllowAll are", "networkAccessPolicy"),
            (properties?.publicNetworkAccess.map { $0.lowercased() != "enabled" } == true,
                "Disabling publicNetworkAccess is", "publicNetworkAccess"),
            (properties?.diskAccessId?.isEmpty == false, "Disk accesses are", "diskAccessId"),
            (properties?.burstingEnabled == true, "Bursting is", "burstingEnabled"),
            (properties?.securityProfile.map { $0 != .null } == true, "Security profiles are", "securityProfile"),
            (body.extendedLocation.map { $0 != .null } == true, "Extended locations are", "extendedLocation"),
        ]
        if let first = asked.first(where: \.isAsked) { throw APIError.notServedYet(first.what, target: first.target) }
    }
}
