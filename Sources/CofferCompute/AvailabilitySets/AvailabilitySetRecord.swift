import CofferCore
import CofferModel
import CofferPlatform

/// An availability set as it is stored. All machines run on this host: the set says what was wished, and which machines belong together.
struct AvailabilitySetRecord: Codable, Equatable, Sendable {
    static let collection = "availability-sets"

    let id: ResourceID
    let location: String
    var tags: [String: String]
    let faultDomainCount: Int
    let updateDomainCount: Int
    /// `Aligned`, for machines with managed disks, or `Classic`.
    let sku: String
}

extension MachineRecord {
    /// The set that a machine is in.
    var availabilitySet: ResourceID? { labels["availabilitySet"]?["id"]?.string.flatMap(ResourceID.init) }
}

extension ReadTransaction {
    func availabilitySet(_ id: ResourceID) throws -> AvailabilitySetRecord? {
        try value(AvailabilitySetRecord.self, id.key, in: AvailabilitySetRecord.collection)?.value
    }

    /// The sets below a subscription or group.
    func availabilitySets(in scope: ResourceID) throws -> [AvailabilitySetRecord] {
        try values(AvailabilitySetRecord.self, in: AvailabilitySetRecord.collection, prefix: scope.key + "/")
    }

    /// The machines of a set, which may be in other groups of its subscription.
    func members(of set: ResourceID) throws -> [MachineRecord] {
        try machines(in: ResourceID(subscription: set.subscription ?? "")).filter { $0.availabilitySet == set }
    }
}
