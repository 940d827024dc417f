import CofferModel
import CofferPlatform

/// An IP configuration in a pool of a load balancer.
struct PoolMember {
    let id: ResourceID
    let interface: NetworkRecord
    let configuration: IPConfiguration
    /// Its place in the pool, from 0.
    let place: Int

    /// The name of its machine; of an instance of a scale set its number.
    var machineName: String { interface.machine?.name ?? interface.id.name }

    /// The members of a pool in the order of their places. Of an inbound NAT rule: the interface that names it.
    static func members(of pool: ResourceID, _ network: NetworkReader) throws -> [PoolMember] {
        try network.users(of: pool).compactMap { user in
            guard let interface = try user.parent.flatMap({ try network.record($0) }),
                let child = interface.children(NetworkInterfaceType.configurations).first(named: user.name),
                let configuration = IPConfiguration(stored: child)
            else { return nil }
            let place = PoolPlaces.places(in: child.properties)[pool.key] ?? 0
            return PoolMember(id: user, interface: interface, configuration: configuration, place: place)
        }.sorted { $0.place < $1.place }
    }
}
