import CofferCore
import CofferModel
import CofferPlatform

/// A scale set as it is stored, under ``ResourceID/key``. Its instances are ``MachineRecord``s below it.
struct ScaleSetRecord: Codable, Equatable, Sendable {
    static let collection = "scale-sets"

    enum Phase: String, Codable, Sendable {
        /// Its first instances are being made.
        case creating
        /// Instances are being made, changed or deleted.
        case updating
        case succeeded
        case deleting
        /// It has not the instances that it should have, for the reason in the record.
        case failed
    }

    /// What becomes of the instances when the model changes.
    enum Upgrade: String, Codable, Sendable, CaseIterable {
        /// They stay as they are until somebody asks for their update.
        case manual = "Manual"
        /// They are updated at once.
        case automatic = "Automatic"
    }

    let id: ResourceID
    /// `uniqueId`.
    let unique: DiskID
    let location: String
    let created: Timestamp
    var tags: [String: String]
    var zones: [String]?
    /// How many instances there are to be.
    var capacity: Int
    var model: ScaleSetModel
    /// What the guests of instances alone are handed; sealed for the set, and for each instance anew.
    var provisioning: MachineRecord.Provisioning?
    /// Rises with every change of the model.
    var version: Int
    /// The number of the next instance; none is used twice.
    var next: Int
    var upgrade: Upgrade
    /// Properties that change nothing here; kept and shown again, by their names.
    var labels: [String: JSONValue]
    /// The identities that the instances may act as, the set's own first.
    var identities: [AssignedIdentity]?
    var phase: Phase
    var reason: MachineRecord.Reason?

    func instance(_ number: String) -> ResourceID? { id.child(MachinesRoutes.type, number) }
}

extension ReadTransaction {
    func scaleSet(_ id: ResourceID) throws -> ScaleSetRecord? {
        try value(ScaleSetRecord.self, id.key, in: ScaleSetRecord.collection)?.value
    }

    /// The sets below a subscription or group, or all.
    func scaleSets(in scope: ResourceID?) throws -> [ScaleSetRecord] {
        try values(ScaleSetRecord.self, in: ScaleSetRecord.collection, prefix: scope.map { $0.key + "/" } ?? "")
    }

    /// The instances of a set in the order of their numbers.
    func instances(of set: ResourceID) throws -> [MachineRecord] {
        try machines(in: set).sorted { $0.number < $1.number }
    }
}

extension WriteTransaction {
    /// Changes a set's record if it is still the one of `record`.
    ///
    /// - Returns: The record as it is now, or nil if it is gone.
    @discardableResult
    func change(_ record: ScaleSetRecord, _ change: (inout ScaleSetRecord) -> Void) throws -> ScaleSetRecord? {
        guard var now = try scaleSet(record.id), now.unique == record.unique else { return nil }
        change(&now)
        try put(now, now.id.key, in: ScaleSetRecord.collection)
        return now
    }
}

extension MachineRecord {
    /// Of an instance: its number in the set.
    var number: Int { Int(id.name) ?? 0 }
}
