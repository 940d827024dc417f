import CofferModel
import CofferPlatform

/// The places that IP configurations have in the pools of load balancers that they are in: the lowest free one, for as long as they are in
/// it. The place says which port of a range leads to them.
enum PoolPlaces {
    /// The property of a configuration in which they are kept, by the keys of the pools; nobody sees it.
    static let property = "loadBalancerPlaces"

    static func places(in properties: [String: JSONValue]) -> [String: Int] {
        (properties[property]?.object ?? [:]).compactMapValues { $0.int.flatMap { Int(exactly: $0) } }
    }

    /// Gives places in the pools that the children of a record are in.
    static func allot(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws {
        var given: Set<String> = []
        let own = Set((old.map(claims) ?? []).map(\.key))
        record.children[NetworkInterfaceType.configurations] = try record.children(NetworkInterfaceType.configurations).map { child in
            var child = child
            let before = places(in: old?.children(NetworkInterfaceType.configurations).first(named: child.name)?.properties ?? [:])
            var places: [String: JSONValue] = [:]
            for pool in pools(of: child) {
                var place = before[pool.key]
                if place == nil {
                    let taken = try network.keys(prefix: NetworkClaim.Thing.placePrefix(in: pool)).subtracting(own).union(given)
                    place = (0...taken.count).first { !taken.contains(NetworkClaim.Thing.place($0, in: pool).key) }
                }
                guard let place else { continue }
                given.insert(NetworkClaim.Thing.place(place, in: pool).key)
                places[pool.key] = .int(Int64(place))
            }
            child.properties[property] = places.isEmpty ? nil : .object(places)
            return child
        }
    }

    /// That nobody else has the places of a record's configurations.
    static func claims(of record: NetworkRecord) -> [NetworkClaim] {
        var found: [NetworkClaim] = []
        for child in record.children(NetworkInterfaceType.configurations) {
            let holder = record.id.childID(NetworkInterfaceType.configurations, child.name)
            let places = places(in: child.properties)
            for pool in pools(of: child) {
                if let place = places[pool.key] { found.append(.owning(.place(place, in: pool), by: holder)) }
            }
        }
        return found
    }

    private static func pools(of child: NetworkChild) -> [ResourceID] {
        [NetworkLink.backendPools, NetworkLink.addressPools].flatMap { link -> [ResourceID] in
            (child.properties[link.property]?.array ?? []).compactMap { $0["id"]?.string }.compactMap { ResourceID($0) }
        }
    }
}
