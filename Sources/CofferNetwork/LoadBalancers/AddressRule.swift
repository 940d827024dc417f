import CofferModel
import CofferPlatform

/// An inbound NAT rule or pool: ports of a frontend of which each leads to one interface.
struct AddressRule: Sendable {
    let name: String
    let frontend: String
    /// One port for the interface that names the rule, or one after the other for the members of a pool.
    let frontendPorts: ClosedRange<UInt16>
    let backendPort: UInt16
    /// Of a rule for the members of a backend pool.
    let pool: String?
    let manner: BalancingManner
    let child: NetworkChild

    /// - Parameter type: `inboundNatRules` or `inboundNatPools`.
    /// - Throws: ``APIError`` for the first thing that none can have.
    init(_ child: NetworkChild, _ type: String, of record: NetworkRecord) throws {
        var reader = LoadBalancerReader(child, type, of: record)
        name = child.name
        try reader.requireTCP()
        frontend = try reader.required("frontendIPConfiguration", LoadBalancerPart.frontends)
        backendPort = try reader.port("backendPort")
        pool = try type == LoadBalancerPart.addressRules ? reader.part("backendAddressPool", LoadBalancerPart.pools) : nil
        if type == LoadBalancerPart.addressPools || pool != nil {
            let first = try reader.port("frontendPortRangeStart")
            let last = try reader.port("frontendPortRangeEnd")
            guard first <= last else {
                throw APIError.requestFormat("'frontendPortRangeEnd' is before 'frontendPortRangeStart'", of: reader.id, target: "frontendPortRangeEnd")
            }
            frontendPorts = first...last
            if type == LoadBalancerPart.addressRules { reader.properties["frontendPort"] = 0 }
        } else {
            let port = try reader.port("frontendPort")
            frontendPorts = port...port
            for name in ["frontendPortRangeStart", "frontendPortRangeEnd"] { reader.properties[name] = nil }
        }
        try reader.requireOff("enableFloatingIP", "guests have one address for each interface")
        manner = try reader.manner(keepsClients: false)
        self.child = NetworkChild(name: child.name, properties: reader.properties)
    }

    /// The port of the frontend that leads to a member, by the member's place in the pool; nil if there are not as many.
    func port(at place: Int) -> UInt16? {
        let port = Int(frontendPorts.lowerBound) + place
        return place >= 0 && port <= Int(frontendPorts.upperBound) ? UInt16(port) : nil
    }
}
