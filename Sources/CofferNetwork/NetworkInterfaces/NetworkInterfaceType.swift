import CofferModel
import CofferPlatform

/// `Microsoft.Network/networkInterfaces`, each with IP configurations that join it to subnets of one virtual network.
struct NetworkInterfaceType: NetworkType {
    static let configurations = "ipConfigurations"

    let shape = NetworkShape(
        type: "networkInterfaces", links: [.securityGroup],
        told: [
            "macAddress", "primary", "virtualMachine", "hostedWorkloads", "tapConfigurations", "dscpConfiguration", "privateEndpoint",
            "privateLinkService", "vnetEncryptionSupported", "defaultOutboundConnectivityEnabled", "migrationPhase",
        ],
        children: [
            NetworkShape(
                type: configurations, links: [.subnet, .publicAddress, .backendPools, .addressRules, .addressPools],
                told: ["privateLinkConnectionProperties", PoolPlaces.property],
                refused: [
                    "applicationGatewayBackendAddressPools", "applicationSecurityGroups", "gatewayLoadBalancer", "privateIPAddressPrefixLength",
                    "virtualNetworkTaps",
                ],
                isWritable: false)
        ])

    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws {
        var configurations = try record.children(Self.configurations).map { try IPConfiguration(settling: $0, of: record.id) }
        guard !configurations.isEmpty else { throw APIError.requestFormat("'ipConfigurations' is missing or empty", of: record.id, target: Self.configurations) }
        try settlePrimary(&configurations, of: record.id)
        guard let virtualNetwork = configurations[0].subnet.parent, configurations.allSatisfy({ $0.subnet.parent == virtualNetwork }),
            old?.configurations.first.map({ $0.subnet.parent == virtualNetwork }) ?? true
        else { throw APIError.subnetsNotInOneNetwork(record.id) }
        try settlePublicAddresses(configurations, of: record.id, network)
        try AddressAllotment(of: record.id, in: virtualNetwork, replacing: old, network).allot(&configurations)
        record.children[Self.configurations] = configurations.map(\.child)
        try settleBalancers(of: record, network)
        try PoolPlaces.allot(&record, replacing: old, in: network)
        record.properties["macAddress"] = try .string(old?.properties.text("macAddress") ?? newMACAddress(network))
        record.properties.fill("enableAcceleratedNetworking", false)
        record.properties.fill("enableIPForwarding", false)
        record.properties.fill("disableTcpStateTracking", false)
        record.properties.fill("nicType", "Standard")
        var settings = record.properties["dnsSettings"]?.object ?? [:]
        settings.fill("dnsServers", [])
        settings["appliedDnsServers"] = nil
        record.properties["dnsSettings"] = .object(settings)
    }

    func possessions(of record: NetworkRecord) -> [NetworkClaim] {
        var claims = record.configurations.compactMap { configuration -> NetworkClaim? in
            guard let address = configuration.address, let network = configuration.subnet.parent else { return nil }
            return .owning(.privateAddress(address, network: network), by: record.id.childID(Self.configurations, configuration.name))
        }
        if let address = record.properties.text("macAddress") { claims.append(.owning(.macAddress(address), by: record.id)) }
        if let machine = record.machine { claims.append(.use(of: machine, by: record.id)) }
        return claims + PoolPlaces.claims(of: record)
    }

    func tell(_ properties: inout [String: JSONValue], of id: ResourceID, in record: NetworkRecord, _ network: NetworkReader) throws {
        properties[PoolPlaces.property] = nil
    }

    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws {
        if var settings = properties["dnsSettings"]?.object {
            settings["appliedDnsServers"] = settings["dnsServers"]
            properties["dnsSettings"] = .object(settings)
        }
        properties["hostedWorkloads"] = []
        properties["tapConfigurations"] = []
        properties["vnetEncryptionSupported"] = false
        if let machine = record.machine {
            properties["virtualMachine"] = ["id": .string(machine.text)]
            properties["primary"] = .bool(record.isPrimary ?? false)
        }
    }

    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws {
        if let machine = record.machine { throw APIError.interfaceInUse(record.id, by: machine) }
    }

    /// One configuration is the primary one: the first if none is said to be.
    private func settlePrimary(_ configurations: inout [IPConfiguration], of id: ResourceID) throws {
        let primaries = configurations.indices.filter { configurations[$0].isPrimary }
        guard primaries.count <= 1 else { throw APIError.requestFormat("two of its 'ipConfigurations' are 'primary'", of: id, target: "primary") }
        let primary = primaries.first ?? 0
        guard configurations[primary].version == .v4 else {
            throw APIError.requestFormat("the primary one of its 'ipConfigurations' is not IPv4", of: id, target: "primary")
        }
        for index in configurations.indices { configurations[index].isPrimary = index == primary }
    }

    private func settlePublicAddresses(_ configurations: [IPConfiguration], of id: ResourceID, _ network: NetworkReader) throws {
        var seen: [ResourceID: ResourceID] = [:]
        for configuration in configurations {
            guard let address = configuration.publicAddress else { continue }
            let holder = id.childID(Self.configurations, configuration.name)
            let user = try seen[address] ?? network.users(of: address).first { !id.contains($0) }
            if let user { throw APIError.publicAddressTaken(address, by: user, wantedBy: holder) }
            seen[address] = holder
        }
    }

    /// A NAT rule that names no pool leads to one interface; NAT pools are for scale sets.
    private func settleBalancers(of record: NetworkRecord, _ network: NetworkReader) throws {
        for child in record.children(Self.configurations) {
            let holder = record.id.childID(Self.configurations, child.name)
            for rule in try child.properties.links(.addressRules, of: holder) {
                if let user = try network.users(of: rule).first(where: { $0 != holder }) { throw APIError.addressRuleTaken(rule, by: user, wantedBy: holder) }
            }
            guard try child.properties.links(.addressPools, of: holder).isEmpty || record.id.isOfInstance else {
                throw APIError.notInThisNetwork(NetworkLink.addressPools.property, of: holder)
            }
        }
    }

    /// One below the prefix that Azure's network cards have.
    private func newMACAddress(_ network: NetworkReader) throws -> String {
        while true {
            let bytes = [0x00, 0x0D, 0x3A] + (0..<3).map { _ in UInt8.random(in: 0...255) }
            let text = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: "-")
            if try network.owner(of: .macAddress(text)) == nil { return text }
        }
    }
}

extension APIError {
    /// 400: all configurations of an interface are in one virtual network, and stay in it.
    fileprivate static func subnetsNotInOneNetwork(_ id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "SubnetsNotInSameVnet",
            message: "The subnets of \(id.typeAndName) are not in the same virtual network, or not in the one that the network interface was made in. "
                + "Make another network interface.",
            target: "subnet")
    }
}
