import CofferModel

/// Azure reads the names of properties without regard to case; templates that people write rely on it. Those that Coffer makes something of
/// are brought to the one spelling that is stored and shown.
enum PropertyNames {
    private static let known = [
        "access", "addressPrefix", "addressPrefixes", "addressSpace", "allocationMethod", "applicationGatewayIPConfigurations",
        "applicationSecurityGroups", "ddosProtectionPlan", "ddosSettings", "deleteOption", "destinationAddressPrefix",
        "destinationAddressPrefixes", "destinationApplicationSecurityGroups", "destinationPortRange", "destinationPortRanges", "dhcpOptions",
        "direction", "dnsServers", "dnsSettings", "domainNameLabel", "domainNameLabelScope", "enableAcceleratedNetworking",
        "enableDdosProtection", "enableIPForwarding", "encryption", "flowTimeoutInMinutes", "fqdn", "id", "idleTimeoutInMinutes",
        "internalDnsNameLabel", "ipAddress", "ipConfiguration", "ipConfigurations", "ipTags", "loadBalancerBackendAddressPools",
        "loadBalancerInboundNatRules", "macAddress", "name", "natGateway", "networkSecurityGroup", "primary", "priority", "privateIPAddress",
        "privateIPAddressVersion", "privateIPAllocationMethod", "properties", "protocol", "provisioningState", "publicIPAddress",
        "publicIPAddressVersion", "publicIPAllocationMethod", "publicIPPrefix", "resourceGuid", "reverseFqdn", "routeTable", "securityRules",
        "serviceEndpoints", "sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups", "sourcePortRange",
        "sourcePortRanges", "subnet", "subnets", "virtualMachine", "virtualNetworkPeerings",
    ]
    private static let spelling = Dictionary(known.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(canonical(members))
        case .array(let elements): .array(elements.map(canonical))
        default: value
        }
    }

    static func canonical(_ members: [String: JSONValue]) -> [String: JSONValue] {
        // In order of the names, so that of two spellings of one the same is always taken.
        Dictionary(members.sorted { $0.key < $1.key }.map { (spelling[$0.key.lowercased()] ?? $0.key, canonical($0.value)) }, uniquingKeysWith: { first, _ in first })
    }
}
