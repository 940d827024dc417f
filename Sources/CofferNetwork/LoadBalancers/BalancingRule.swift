import CofferModel
import CofferPlatform

/// A load balancing rule: a port of a frontend that leads to a port of the members of a pool.
struct BalancingRule: Sendable {
    enum Distribution: String, CaseIterable {
        case byConnection = "Default"
        case byClient = "SourceIP"
        case byClientAndProtocol = "SourceIPProtocol"
    }

    let name: String
    let frontend: String
    let frontendPort: UInt16
    let backendPort: UInt16
    /// Nil as long as it has none.
    let pool: String?
    let probe: String?
    let manner: BalancingManner
    /// As it is stored.
    let child: NetworkChild

    /// - Throws: ``APIError`` for the first thing that none can have.
    init(_ child: NetworkChild, of record: NetworkRecord) throws {
        var reader = LoadBalancerReader(child, LoadBalancerPart.rules, of: record)
        name = child.name
        try reader.requireTCP()
        frontend = try reader.required("frontendIPConfiguration", LoadBalancerPart.frontends)
        frontendPort = try reader.port("frontendPort")
        backendPort = try reader.port("backendPort")
        probe = try reader.part("probe", LoadBalancerPart.probes)
        let several = reader.properties["backendAddressPools"]?.array ?? []
        guard several.count <= 1 else {
            throw APIError.balancerNotServed("More than one pool in a rule is", "gateway load balancers have them", target: "backendAddressPools")
        }
        if let one = several.first {
            pool = try reader.part(one, "backendAddressPools", LoadBalancerPart.pools)
        } else {
            pool = try reader.part("backendAddressPool", LoadBalancerPart.pools)
        }
        let link = pool.map { JSONValue.object(["id": .string(record.id.childID(LoadBalancerPart.pools, $0).text)]) }
        reader.properties["backendAddressPool"] = link
        reader.properties["backendAddressPools"] = .array(link.map { [$0] } ?? [])
        try reader.requireOff("enableFloatingIP", "guests have one address for each interface")
        let distribution = try reader.properties.word("loadDistribution", among: Distribution.self, of: reader.id) ?? .byConnection
        reader.properties["loadDistribution"] = .string(distribution.rawValue)
        manner = try reader.manner(keepsClients: distribution != .byConnection)
        reader.properties.fill("disableOutboundSnat", false)
        self.child = NetworkChild(name: child.name, properties: reader.properties)
    }
}
