import CofferModel
import CofferPlatform

/// The wish that a disk have new data keys, as it is stored with the disk. How far it is, its host knows.
struct DiskReencryption: Codable, Equatable, Sendable {
    /// How it is to be encrypted then. The same as now, or of another type or set.
    let target: KeyMove
    /// In bytes of the disk a second; 0 for no limit. The host's own limit after the beginning.
    let bytesPerSecond: UInt64
    /// Whether its host has begun: if it has no re-encryption then, it has ended.
    var isBegun = false
}

/// A disk's re-encryption as it is to be shown.
struct ShownReencryption: Sendable {
    let record: DiskRecord
    let status: DiskStatus
}

/// A layer of a disk with its number at the host and the set whose key wraps it, if one does.
struct PlacedLayer: Sendable {
    let number: Int
    let layer: DiskLayer
    let set: ResourceID?
}

extension DiskStatus {
    /// The number by which the first layer is addressed that a re-encryption leads to.
    static let firstTargetLayer = 2

    /// All layers, also those that a re-encryption leads to.
    func placedLayers(of record: DiskRecord) -> [PlacedLayer] {
        // It has ended, and the record does not say so yet.
        let isOver = record.reencryption?.isBegun == true && reencryption == nil
        let presentSet = isOver ? record.reencryption?.target.set : record.set
        let targetSet = record.reencryption.map(\.target.set) ?? record.set
        let present = layers.enumerated().map { PlacedLayer(number: $0, layer: $1, set: $1.isCustomers ? presentSet : nil) }
        let target = (reencryption?.layers ?? []).enumerated().map { index, layer in
            PlacedLayer(number: Self.firstTargetLayer + index, layer: layer, set: layer.isCustomers ? targetSet : nil)
        }
        return present + target
    }
}
