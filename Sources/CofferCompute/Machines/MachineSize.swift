/// A size that virtual machines come in. The table holds the sizes that the rules of encryption tell apart, with Azure's numbers; this
/// machine must have the memory for what is started.
struct MachineSize: Sendable {
    let name: String
    /// Such as `standardDSv3Family`.
    let family: String
    let processors: Int
    let memoryMebibytes: Int
    /// The temporary disk; 0 for none.
    let temporaryMebibytes: Int
    let dataDiskCount: Int
    let hasPremiumStorage: Bool
    /// What `EncryptionAtHostSupported` says today.
    let hasEncryptionAtHost: Bool
    /// Whether machines of the second generation run on it.
    let hasGeneration2: Bool
    /// The host cache in GiB; 0 where Azure's pages tell none.
    let cacheGibibytes: Int
    /// Whether OS disks may be ephemeral: sizes of premium storage with local storage.
    let hasEphemeralDisks: Bool
    /// Whether the temporary disk is of NVMe disks.
    let hasNVMe: Bool

    private init(
        _ name: String, _ family: String, _ processors: Int, gibibytes: Double, temporary: Int, disks: Int, premium: Bool, atHost: Bool,
        generation2: Bool, cache: Int = 0
    ) {
        self.name = name
        self.family = family
        self.processors = processors
        memoryMebibytes = Int(gibibytes * 1024)
        temporaryMebibytes = temporary * 1024
        dataDiskCount = disks
        hasPremiumStorage = premium
        hasEncryptionAtHost = atHost
        hasGeneration2 = generation2
        cacheGibibytes = cache
        hasNVMe = name.hasSuffix("_v6") && temporary > 0
        hasEphemeralDisks = premium && temporary > 0
    }

    /// - Returns: nil if there is no such size; letter case does not matter.
    static func named(_ name: String) -> MachineSize? {
        all.first { $0.name.lowercased() == name.lowercased() }
    }

    /// Sources: Azure's pages of the size series.
    static let all: [MachineSize] = [
        MachineSize("Basic_A0", "basicAFamily", 1, gibibytes: 0.75, temporary: 20, disks: 1, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_A1_v2", "standardAv2Family", 1, gibibytes: 2, temporary: 10, disks: 2, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_A2_v2", "standardAv2Family", 2, gibibytes: 4, temporary: 20, disks: 4, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_B1ls", "standardBSFamily", 1, gibibytes: 0.5, temporary: 4, disks: 2, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_B1s", "standardBSFamily", 1, gibibytes: 1, temporary: 4, disks: 2, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_B1ms", "standardBSFamily", 1, gibibytes: 2, temporary: 4, disks: 2, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_B2s", "standardBSFamily", 2, gibibytes: 4, temporary: 8, disks: 4, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_D1_v2", "standardDv2Family", 1, gibibytes: 3.5, temporary: 50, disks: 4, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_DS1_v2", "standardDSv2Family", 1, gibibytes: 3.5, temporary: 7, disks: 4, premium: true, atHost: true, generation2: true, cache: 43),
        MachineSize("Standard_DS2_v2", "standardDSv2Family", 2, gibibytes: 7, temporary: 14, disks: 8, premium: true, atHost: true, generation2: true, cache: 86),
        MachineSize("Standard_D2_v3", "standardDv3Family", 2, gibibytes: 8, temporary: 50, disks: 4, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_D2s_v3", "standardDSv3Family", 2, gibibytes: 8, temporary: 16, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_D4s_v3", "standardDSv3Family", 4, gibibytes: 16, temporary: 32, disks: 8, premium: true, atHost: true, generation2: true, cache: 100),
        MachineSize("Standard_D2_v4", "standardDv4Family", 2, gibibytes: 8, temporary: 0, disks: 4, premium: false, atHost: true, generation2: true),
        MachineSize("Standard_D2s_v4", "standardDSv4Family", 2, gibibytes: 8, temporary: 0, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_D2ds_v4", "standardDDSv4Family", 2, gibibytes: 8, temporary: 75, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_D2s_v5", "standardDSv5Family", 2, gibibytes: 8, temporary: 0, disks: 4, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_D2ds_v5", "standardDDSv5Family", 2, gibibytes: 8, temporary: 75, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_D4ds_v5", "standardDDSv5Family", 4, gibibytes: 16, temporary: 150, disks: 8, premium: true, atHost: true, generation2: true, cache: 100),
        MachineSize("Standard_D2s_v6", "standardDsv6Family", 2, gibibytes: 8, temporary: 0, disks: 8, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_D2ds_v6", "standardDdsv6Family", 2, gibibytes: 8, temporary: 110, disks: 8, premium: true, atHost: true, generation2: true),
        MachineSize("Standard_E2_v3", "standardEv3Family", 2, gibibytes: 16, temporary: 50, disks: 4, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_E2s_v3", "standardESv3Family", 2, gibibytes: 16, temporary: 32, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_E2s_v4", "standardESv4Family", 2, gibibytes: 16, temporary: 0, disks: 4, premium: true, atHost: true, generation2: true, cache: 50),
        MachineSize("Standard_NC6", "standardNCFamily", 6, gibibytes: 56, temporary: 340, disks: 24, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_NV6", "standardNVFamily", 6, gibibytes: 56, temporary: 340, disks: 24, premium: false, atHost: false, generation2: false),
        MachineSize("Standard_H8", "standardHFamily", 8, gibibytes: 56, temporary: 1000, disks: 32, premium: false, atHost: false, generation2: false),
    ]
}
