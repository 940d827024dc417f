import CofferModel
import CofferPlatform

/// `Microsoft.Network/virtualNetworks` with their subnets.
struct VirtualNetworkType: NetworkType {
    static let subnets = "subnets"

    let shape = NetworkShape(
        type: "virtualNetworks",
        refused: ["virtualNetworkPeerings", "ddosProtectionPlan", "enableDdosProtection", "bgpCommunities", "ipAllocations"],
        children: [
            NetworkShape(
                type: subnets, links: [.securityGroup],
                told: [
                    "ipConfigurations", "ipConfigurationProfiles", "privateEndpoints", "resourceNavigationLinks", "serviceAssociationLinks", "purpose",
                ],
                refused: [
                    "natGateway", "routeTable", "serviceEndpointPolicies", "ipAllocations", "ipamPoolPrefixAllocations",
                    "applicationGatewayIPConfigurations", "sharingScope",
                ],
                staysIfLeftOut: true)
        ],
        questions: ["CheckIPAddressAvailability"])

    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws {
        // Traffic between guests is not encrypted here, so nobody is to believe that it were.
        if record.properties["encryption"]?["enabled"]?.bool == true { throw APIError.notInThisNetwork("encryption", of: record.id) }
        let space = try addressSpace(of: record)
        record.properties.fill("enableDdosProtection", false)
        record.properties["virtualNetworkPeerings"] = []
        var subnets: [(id: ResourceID, prefixes: [AddressPrefix])] = []
        record.children[Self.subnets] = try record.children(Self.subnets).map { subnet in
            let id = record.id.childID(Self.subnets, subnet.name)
            var subnet = subnet
            let prefixes = try Subnet.settle(&subnet.properties, of: id)
            for (index, prefix) in prefixes.enumerated() {
                guard space.contains(where: { $0.contains(prefix) }) else { throw APIError.subnetOutside(id, of: record.id) }
                guard !(subnets.flatMap(\.prefixes) + prefixes[..<index]).contains(where: { $0.overlaps(prefix) }) else {
                    throw APIError.subnetsOverlap(id, of: record.id)
                }
            }
            subnets.append((id, prefixes))
            return subnet
        }
        for subnet in old?.children(Self.subnets) ?? [] {
            try checkUse(of: subnet, of: record.id, now: subnets.first { $0.id.name.lowercased() == subnet.name.lowercased() }?.prefixes, network)
        }
    }

    func tell(_ properties: inout [String: JSONValue], of id: ResourceID, in record: NetworkRecord, _ network: NetworkReader) throws {
        let users = try network.users(of: id)
        if !users.isEmpty { properties["ipConfigurations"] = users.linkList }
    }

    /// - Parameter parameter: A parameter of the query by its name.
    func answer(_ question: String, _ parameter: (String) -> String?, of record: NetworkRecord, in network: NetworkReader) throws -> JSONValue {
        try AddressAvailability(of: parameter("ipAddress") ?? "", in: record, network).document
    }

    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws {
        for subnet in record.children(Self.subnets) { try checkUse(of: subnet, of: record.id, now: nil, network) }
    }

    private func addressSpace(of record: NetworkRecord) throws -> [AddressPrefix] {
        if let pools = record.properties["addressSpace"]?["ipamPoolPrefixAllocations"]?.array, !pools.isEmpty {
            throw APIError.notInThisNetwork("ipamPoolPrefixAllocations", of: record.id)
        }
        let texts = record.properties["addressSpace"]?["addressPrefixes"]?.array ?? []
        let prefixes = try texts.map { try AddressPrefix.checked($0.string ?? "", of: record.id) }
        guard !prefixes.isEmpty else { throw APIError.requestFormat("'addressSpace.addressPrefixes' is missing or empty", of: record.id, target: "addressSpace") }
        for (index, prefix) in prefixes.enumerated() {
            if let forbidden = AddressPrefix.notForNetworks.first(where: { $0.overlaps(prefix) }) { throw APIError.prefixReserved(prefix, forbidden, of: record.id) }
            if let other = prefixes[..<index].first(where: { $0.overlaps(prefix) }) { throw APIError.prefixesOverlap(prefix, other, of: record.id) }
        }
        return prefixes
    }

    /// - Parameter prefixes: What the subnet is to have; nil if it is to go.
    private func checkUse(of subnet: NetworkChild, of id: ResourceID, now prefixes: [AddressPrefix]?, _ network: NetworkReader) throws {
        let id = id.childID(Self.subnets, subnet.name)
        if let prefixes, prefixes == Subnet.prefixes(of: subnet.properties) { return }
        for user in try network.users(of: id) {
            guard let prefixes else { throw APIError.subnetInUse(id, by: user) }
            let configuration = try user.parent.flatMap { try network.record($0) }?.children(NetworkInterfaceType.configurations).first(named: user.name)
            guard let address = configuration?.properties.text("privateIPAddress").flatMap({ IPAddress($0) }) else { continue }
            guard prefixes.contains(where: { $0.contains(address) }) else { throw APIError.subnetAddressesInUse(id, address.description) }
        }
    }
}
