import CofferCore
import CofferModel
import CofferPlatform

/// A disk as it is stored, under ``ResourceID/key``: what is wanted. What is, its host knows.
///
/// Snapshots and the disks of images are such records too: whatever holds ciphertext follows its keys in one way.
struct DiskRecord: Codable, Equatable, Sendable {
    static let collection = "disks"

    enum Phase: String, Codable, Sendable {
        /// Its host may not have it yet.
        case creating
        case succeeded
        /// Its host may not have it any more.
        case deleting
        /// It could not be made of its source, for the reason in the record.
        case failed
    }

    private(set) var id: ResourceID
    let disk: DiskID
    let location: String
    var tags: [String: String]
    var sku: DiskSKU
    var byteCount: UInt64
    var encryption: DiskEncryptionType
    /// The disk encryption set, unless only platform keys are used.
    var set: ResourceID?
    let created: Timestamp
    var labels: DiskLabels
    var phase: Phase
    /// Whether it is to be open, so that guests reach it.
    var isAttached = false
    /// The virtual machine that it belongs to, running or not.
    var machine: ResourceID?
    /// Why it is attached and yet not served, or why it could not be made.
    var reason: String?
    /// Since when its key is lost while it is attached.
    var loss: KeyLoss?
    var origin: DiskOrigin?
    /// Only of a snapshot.
    var snapshot: SnapshotTraits?
    /// The size in bytes that it is growing to.
    var growth: UInt64?
    /// When its data key was last wrapped anew by rotation.
    var lastRewrap: Timestamp?
    /// The keys that it is being moved to.
    var move: KeyMove?
    /// Only of a disk that is made to be uploaded.
    var upload: DiskUpload?
    /// Who has its URL may read it or, of an upload, write it.
    var access: DiskAccess?

    /// Gives it another name. The record under the old one is to be removed.
    mutating func rename(to new: ResourceID) { id = new }

    /// Whether nobody has it.
    var isFree: Bool { !isAttached && machine == nil }
    /// Its re-encryption, from the wish until the host has done it.
    var reencryption: DiskReencryption?
    /// When it was last re-encrypted.
    var lastReencryption: Timestamp?
    /// What it is opened for while it is attached; nil is ``DiskUse/client``.
    var use: DiskUse?
    /// Of a disk that is or ever was encrypted within its guest.
    var guestEncryption: GuestEncryption?

    /// Whether a re-encryption leads to another type or set than it has now.
    var isChangingEncryption: Bool { reencryption.map { $0.target.encryption != encryption || $0.target.set != set } ?? false }

    /// Whether the host may not have done yet what the record says. A re-encryption may take days, and other things go on meanwhile.
    var isUnsettled: Bool { phase == .creating || phase == .deleting || growth != nil || move != nil }
}

/// What Azure's clients say about a disk that changes nothing here; kept and shown again.
struct DiskLabels: Codable, Equatable, Sendable {
    var osType: String?
    var hyperVGeneration: String?
    var zones: [String]?
    /// The performance tier, such as `P20`, if it was chosen.
    var tier: String?
    /// Operations a second, where the SKU lets one choose.
    var iops: Int64?
    /// Megabytes a second, where the SKU lets one choose.
    var mbps: Int64?
    /// In bytes, where the SKU lets one choose.
    var logicalSectorSize: Int?
}

/// The kinds of disks that Azure sells. Here they are names.
enum DiskSKU: String, Codable, Sendable, CaseIterable {
    case standardHDD = "Standard_LRS"
    case premium = "Premium_LRS"
    case standardSSD = "StandardSSD_LRS"
    case ultra = "UltraSSD_LRS"
    case premiumZone = "Premium_ZRS"
    case standardSSDZone = "StandardSSD_ZRS"
    case premium2 = "PremiumV2_LRS"
    /// Of snapshots alone.
    case standardZone = "Standard_ZRS"

    static let ofDisks = allCases.filter { $0 != .standardZone }
    static let ofSnapshots: [DiskSKU] = [.standardHDD, .premium, .standardZone]

    /// - Parameter word: Azure's word, in any case.
    init?(word: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else { return nil }
        self = found
    }

    /// As the read-only property `tier` has it.
    var tier: String {
        switch self {
        case .standardHDD, .standardSSD, .standardSSDZone, .standardZone: "Standard"
        case .premium, .premiumZone, .premium2: "Premium"
        case .ultra: "Ultra"
        }
    }

    var allowsDoubleEncryption: Bool { self != .ultra && self != .premium2 }
}

extension ReadTransaction {
    func disk(_ id: ResourceID) throws -> DiskRecord? {
        try value(DiskRecord.self, id.key, in: DiskRecord.collection)?.value
    }

    func disks() throws -> [DiskRecord] {
        try values(DiskRecord.self, in: DiskRecord.collection)
    }

    /// The records of one type of resource below a subscription or group.
    func disks(in scope: ResourceID, type: String) throws -> [DiskRecord] {
        try values(DiskRecord.self, in: DiskRecord.collection, prefix: scope.key + "/")
            .filter { $0.id.isType("\(ResourceID.computeNamespace)/\(type)") }
    }

    /// The disks, snapshots and images' disks of a set, which are in its subscription, and those that are being moved to it.
    func disks(of set: ResourceID) throws -> [DiskRecord] {
        let subscription = ResourceID(subscription: set.subscription ?? "")
        return try values(DiskRecord.self, in: DiskRecord.collection, prefix: subscription.key + "/")
            .filter { $0.set == set || $0.move?.set == set || $0.reencryption?.target.set == set }
    }

    /// The incremental snapshots of the chain that a disk or snapshot belongs to.
    func incrementalSnapshots(of record: DiskRecord) throws -> [DiskRecord] {
        let family = record.snapshot?.family ?? record.disk
        let subscription = ResourceID(subscription: record.id.subscription ?? "")
        return try values(DiskRecord.self, in: DiskRecord.collection, prefix: subscription.key + "/")
            .filter { $0.snapshot?.family == family }
    }
}

extension WriteTransaction {
    func put(_ disk: DiskRecord) throws {
        try put(disk, disk.id.key, in: DiskRecord.collection)
    }

    /// Changes a disk's record if it is still the one of `disk`: after it was deleted another may have its name.
    ///
    /// - Returns: The record as it is now, or nil if it is gone.
    func change(_ record: DiskRecord, _ change: (inout DiskRecord) -> Void) throws -> DiskRecord? {
        guard var now = try disk(record.id), now.disk == record.disk else { return nil }
        let old = now
        change(&now)
        if now != old { try put(now) }
        return now
    }
}
