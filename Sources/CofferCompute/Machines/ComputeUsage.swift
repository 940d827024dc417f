import CofferModel
import CofferPlatform

/// What a subscription has of Microsoft.Compute in a region, and how much it may have: as much as the numbers of Azure's first subscriptions.
struct ComputeUsage: Sendable {
    let store: any Store

    /// One count.
    struct Entry: Encodable, Sendable {
        struct Name: Encodable, Sendable {
            let value: String
            let localizedValue: String
        }

        let currentValue: Int
        let limit: Int
        let unit = "Count"
        let name: Name

        init(_ value: String, _ words: String, _ count: Int, of limit: Int) {
            currentValue = count
            self.limit = limit
            name = Name(value: value, localizedValue: words)
        }
    }

    func all(in subscription: String, location: String) async throws -> [Entry] {
        let scope = ResourceID(subscription: subscription)
        let (machines, sets, disks) = try await store.read { transaction in
            (
                try transaction.machines(in: scope).filter { $0.location == location },
                try transaction.availabilitySets(in: scope).filter { $0.location == location },
                try transaction.disks(in: scope, type: DisksRoutes.type).filter { $0.location == location }
            )
        }
        let allocated = machines.filter { $0.power != .deallocated }.compactMap { MachineSize.named($0.size) }
        let families = Set(MachineSize.all.map(\.family)).sorted()
        return [
            Entry("availabilitySets", "Availability Sets", sets.count, of: 2500),
            Entry("cores", "Total Regional vCPUs", allocated.reduce(0) { $0 + $1.processors }, of: 100),
            Entry("virtualMachines", "Virtual Machines", machines.count, of: 25_000),
            Entry("disks", "Managed Disks", disks.count, of: 50_000),
        ] + families.map { family in
            Entry(family, family, allocated.filter { $0.family == family }.reduce(0) { $0 + $1.processors }, of: 100)
        }
    }
}
