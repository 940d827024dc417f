/// Where on its host a machine's ephemeral OS disk is, as `diffDiskSettings.placement` has it.
enum EphemeralPlacement: String, Codable, Sendable, CaseIterable {
    case cacheDisk = "CacheDisk"
    case resourceDisk = "ResourceDisk"
    case nvmeDisk = "NvmeDisk"

    /// The largest one in GiB, whatever the size of the machine.
    private static let largest: UInt64 = 2040

    /// How large such a disk may be at a size, in GiB; nil if the size has no such place.
    func gibibytes(at size: MachineSize) -> UInt64? {
        guard size.hasEphemeralDisks else { return nil }
        let gibibytes = switch self {
        case .cacheDisk: size.cacheGibibytes
        case .resourceDisk: size.hasNVMe ? 0 : size.temporaryMebibytes >> 10
        case .nvmeDisk: size.hasNVMe ? size.temporaryMebibytes >> 10 : 0
        }
        return gibibytes > 0 ? min(UInt64(gibibytes), Self.largest) : nil
    }

    /// Those that a size has, the one that is meant where none is named first.
    static func all(at size: MachineSize) -> [EphemeralPlacement] { allCases.filter { $0.gibibytes(at: size) != nil } }
}
