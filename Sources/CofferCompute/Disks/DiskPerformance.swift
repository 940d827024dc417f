import CofferModel

/// What Azure says that a disk of a SKU and a size does: operations and megabytes a second, and the performance tier of premium
/// disks. Here they are told, and enforced where that is wanted (``DiskLimiter``).
struct DiskPerformance: Equatable, Sendable {
    let iops: Int64
    let mbps: Int64
    /// Such as `P10`; only premium disks have one.
    let tier: String?

    private struct Step {
        /// The largest size of the step, in GiB.
        let size: UInt64
        let number: Int
        let premium: (iops: Int64, mbps: Int64)
        let standardSSD: (iops: Int64, mbps: Int64)
        let standardHDD: (iops: Int64, mbps: Int64)
    }

    private static let steps: [Step] = [
        Step(size: 4, number: 1, premium: (120, 25), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 8, number: 2, premium: (120, 25), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 16, number: 3, premium: (120, 25), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 32, number: 4, premium: (120, 25), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 64, number: 6, premium: (240, 50), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 128, number: 10, premium: (500, 100), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 256, number: 15, premium: (1100, 125), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 512, number: 20, premium: (2300, 150), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 1024, number: 30, premium: (5000, 200), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 2048, number: 40, premium: (7500, 250), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 4096, number: 50, premium: (7500, 250), standardSSD: (500, 100), standardHDD: (500, 60)),
        Step(size: 8192, number: 60, premium: (16000, 500), standardSSD: (2000, 400), standardHDD: (1300, 300)),
        Step(size: 16384, number: 70, premium: (18000, 750), standardSSD: (4000, 600), standardHDD: (2000, 500)),
        Step(size: .max, number: 80, premium: (20000, 900), standardSSD: (6000, 750), standardHDD: (2000, 500)),
    ]

    /// - Parameters:
    ///   - gibibytes: The size.
    ///   - labels: What was chosen, where the SKU lets one choose. A tier below that of the size does not count.
    init(of sku: DiskSKU, gibibytes: UInt64, labels: DiskLabels) {
        let bySize = Self.steps.firstIndex { gibibytes <= $0.size } ?? Self.steps.count - 1
        switch sku {
        case .premium, .premiumZone:
            let chosen = labels.tier.flatMap(Self.step(named:)) ?? bySize
            let step = Self.steps[max(chosen, bySize)]
            (iops, mbps, tier) = (step.premium.iops, step.premium.mbps, "P\(step.number)")
        case .standardSSD, .standardSSDZone: (iops, mbps, tier) = (Self.steps[bySize].standardSSD.iops, Self.steps[bySize].standardSSD.mbps, nil)
        case .standardHDD, .standardZone: (iops, mbps, tier) = (Self.steps[bySize].standardHDD.iops, Self.steps[bySize].standardHDD.mbps, nil)
        case .premium2: (iops, mbps, tier) = (labels.iops ?? 3000, labels.mbps ?? 125, nil)
        case .ultra: (iops, mbps, tier) = (labels.iops ?? 500, labels.mbps ?? 4, nil)
        }
    }

    /// Whether `name` is one of the tiers of premium disks.
    static func isTier(_ name: String) -> Bool { step(named: name) != nil }

    private static func step(named name: String) -> Int? {
        steps.firstIndex { "P\($0.number)" == name.uppercased() }
    }
}
