import CofferModel
import CofferPlatform

/// What the load balancers in the store serve.
struct StoredLoadBalancers: LoadBalancers {
    let store: any Store

    func balancedPorts() async throws -> [BalancedPort] {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            let claims = try transaction.values(NetworkClaim.self, in: NetworkClaim.collection, prefix: NetworkClaim.Thing.balancerPrefix)
            return try claims.compactMap { try network.record($0.holder) }.flatMap { try Self.ports(of: $0, network) }
        }
    }

    private static func ports(of record: NetworkRecord, _ network: NetworkReader) throws -> [BalancedPort] {
        let isOpenWithoutGroup = PublicAddressSKU(stored: record) == .basic
        var addresses: [String: String] = [:]
        for frontend in record.children(LoadBalancerPart.frontends) {
            let id = record.id.childID(LoadBalancerPart.frontends, frontend.name)
            let address = try frontend.properties.link(.publicAddress, of: id).flatMap { try network.record($0)?.publicAddress }
            addresses[frontend.name] = address?.description
        }
        func members(of type: String, _ name: String, at port: UInt16) throws -> [(place: Int, member: BalancedPort.Member)] {
            try PoolMember.members(of: record.id.childID(type, name), network).compactMap { member in
                guard let machine = member.interface.machine, let address = member.configuration.address,
                    try network.openPorts(of: member.interface, member.configuration, isOpenWithoutGroup: isOpenWithoutGroup).isOpen(OpenPort(.tcp, port))
                else { return nil }
                return (member.place, BalancedPort.Member(
                    machine: machine, interface: member.interface.id, privateAddress: address.description, port: port))
            }
        }
        func port(_ frontend: String, _ port: UInt16, _ members: [BalancedPort.Member], _ probe: BalancedPort.Probe?, _ manner: BalancingManner) -> BalancedPort? {
            addresses[frontend].map { BalancedPort(balancer: record.id, address: $0, port: port, members: members, probe: probe, manner: manner) }
        }
        let probes = try record.children(LoadBalancerPart.probes).map { try BalancerProbe($0, of: record) }
        var found: [BalancedPort?] = []
        for child in record.children(LoadBalancerPart.rules) {
            let rule = try BalancingRule(child, of: record)
            let members = try rule.pool.map { try members(of: LoadBalancerPart.pools, $0, at: rule.backendPort).map(\.member) } ?? []
            found.append(port(rule.frontend, rule.frontendPort, members, probes.first { $0.name == rule.probe }?.probe, rule.manner))
        }
        for type in [LoadBalancerPart.addressRules, LoadBalancerPart.addressPools] {
            for child in record.children(type) {
                let rule = try AddressRule(child, type, of: record)
                let all = try rule.pool.map { try members(of: LoadBalancerPart.pools, $0, at: rule.backendPort) }
                    ?? members(of: type, rule.name, at: rule.backendPort)
                for (place, member) in all {
                    guard let number = rule.port(at: place) else { continue }
                    found.append(port(rule.frontend, number, [member], nil, rule.manner))
                }
            }
        }
        return found.compactMap { $0 }
    }
}
