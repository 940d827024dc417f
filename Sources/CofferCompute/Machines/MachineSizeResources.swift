/// A size as lists of sizes show it.
struct MachineSizeResource: Encodable, Sendable {
    let name: String
    let numberOfCores: Int
    let osDiskSizeInMB: Int
    let resourceDiskSizeInMB: Int
    let memoryInMB: Int
    let maxDataDiskCount: Int

    init(_ size: MachineSize) {
        name = size.name
        numberOfCores = size.processors
        osDiskSizeInMB = 1_047_552
        resourceDiskSizeInMB = size.temporaryMebibytes
        memoryInMB = size.memoryMebibytes
        maxDataDiskCount = size.dataDiskCount
    }
}

/// A size as `Microsoft.Compute/skus` has it.
struct MachineSizeSKU: Encodable, Sendable {
    struct Capability: Encodable, Sendable {
        let name: String
        let value: String
    }

    struct LocationInfo: Encodable, Sendable {
        let location: String
        let zones: [String]
        let zoneDetails: [String]
    }

    let resourceType = "virtualMachines"
    let name: String
    let tier: String
    let size: String
    let family: String
    let locations: [String]
    let locationInfo: [LocationInfo]
    let capabilities: [Capability]
    let restrictions: [String] = []

    init(_ size: MachineSize, location: String) {
        func word(_ flag: Bool) -> String { flag ? "True" : "False" }
        name = size.name
        let parts = size.name.split(separator: "_", maxSplits: 1)
        tier = parts.first.map(String.init) ?? "Standard"
        self.size = parts.count == 2 ? String(parts[1]) : size.name
        family = size.family
        locations = [location]
        locationInfo = [LocationInfo(location: location, zones: ["1", "2", "3"], zoneDetails: [])]
        let gibibytes = Double(size.memoryMebibytes) / 1024
        capabilities = [
            Capability(name: "MaxResourceVolumeMB", value: "\(size.temporaryMebibytes)"),
            Capability(name: "OSVhdSizeMB", value: "1047552"),
            Capability(name: "vCPUs", value: "\(size.processors)"),
            Capability(name: "MemoryGB", value: gibibytes.rounded() == gibibytes ? "\(Int(gibibytes))" : "\(gibibytes)"),
            Capability(name: "MaxDataDiskCount", value: "\(size.dataDiskCount)"),
            Capability(name: "HyperVGenerations", value: size.hasGeneration2 ? "V1,V2" : "V1"),
            Capability(name: "CpuArchitectureType", value: "x64"),
            Capability(name: "PremiumIO", value: word(size.hasPremiumStorage)),
            Capability(name: "EncryptionAtHostSupported", value: word(size.hasEncryptionAtHost)),
            Capability(name: "EphemeralOSDiskSupported", value: word(size.hasEphemeralDisks)),
            Capability(name: "AcceleratedNetworkingEnabled", value: "False"),
            Capability(name: "TrustedLaunchDisabled", value: "True"),
        ] + Self.localStorage(size)
    }

    private static func localStorage(_ size: MachineSize) -> [Capability] {
        var found: [Capability] = []
        if size.cacheGibibytes > 0 { found.append(Capability(name: "CachedDiskBytes", value: "\(size.cacheGibibytes << 30)")) }
        let places = EphemeralPlacement.all(at: size).map(\.rawValue)
        if !places.isEmpty { found.append(Capability(name: "SupportedEphemeralOSDiskPlacements", value: places.joined(separator: ","))) }
        if size.hasNVMe { found.append(Capability(name: "NvmeDiskSizeInMiB", value: "\(size.temporaryMebibytes)")) }
        return found
    }
}
