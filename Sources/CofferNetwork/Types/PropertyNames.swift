import CofferModel

/// Azure reads the names of properties without regard to case; templates that people write rely on it. Those that Coffer makes something of
/// are brought to the one spelling that is stored and shown.
enum PropertyNames {
    private static let known = [
        "access", "addressPrefix", "addressPrefixes", "addressSpace", "applicationGatewayBackendAddressPools",
        "applicationGatewayIPConfigurations", "applicationSecurityGroups", "backendAddressPool", "backendAddressPools",
        "backendIPConfiguration", "backendIPConfigurations", "backendPort", "bgpCommunities", "ddosProtectionPlan", "ddosSettings",
        "defaultOutboundConnectivityEnabled", "defaultSecurityRules", "delegations", "deleteOption", "description",
        "destinationAddressPrefix", "destinationAddressPrefixes", "destinationApplicationSecurityGroups", "destinationPortRange",
        "destinationPortRanges", "direction", "disableOutboundSnat", "disableTcpStateTracking", "dnsServers", "dnsSettings",
        "domainNameLabel", "dscpConfiguration", "enableAcceleratedNetworking", "enabled", "enableDdosProtection", "enableFloatingIP",
        "enableIPForwarding", "enableTcpReset", "encryption", "extendedLocation", "flowLogs", "fqdn", "frontendIPConfiguration",
        "frontendIPConfigurations", "frontendPort", "frontendPortRangeEnd", "frontendPortRangeStart", "gatewayLoadBalancer",
        "hostedWorkloads", "id", "idleTimeoutInMinutes", "inboundNatPools", "inboundNatRules", "inboundNatRulesPortMapping",
        "intervalInSeconds", "ipAddress", "ipAllocations", "ipamPoolPrefixAllocations", "ipConfiguration", "ipConfigurationProfiles",
        "ipConfigurations", "ipTags", "linkedPublicIPAddress", "loadBalancerBackendAddresses", "loadBalancerBackendAddressPools",
        "loadBalancerInboundNatPools", "loadBalancerInboundNatRules", "loadBalancerPlaces", "loadBalancingRules", "loadDistribution", "location", "macAddress",
        "migrationPhase", "name", "natGateway", "networkInterfaceIPConfiguration", "networkInterfaces", "networkSecurityGroup", "nicType",
        "numberOfProbes", "outboundRule", "outboundRules", "port", "primary", "priority", "privateEndpoint",
        "privateEndpointNetworkPolicies", "privateEndpoints", "privateIPAddress", "privateIPAddressPrefixLength",
        "privateIPAddressVersion", "privateIPAllocationMethod", "privateLinkConnectionProperties", "privateLinkService",
        "privateLinkServiceNetworkPolicies", "probe", "probes", "probeThreshold", "properties", "protocol", "provisioningState",
        "publicIPAddress", "publicIPAddressConfiguration", "publicIPAddressVersion", "publicIPAllocationMethod", "publicIPPrefix",
        "purpose", "requestPath", "resourceGuid", "resourceNavigationLinks", "routeTable", "scope", "securityRules",
        "serviceAssociationLinks", "serviceEndpointPolicies", "servicePublicIPAddress", "sharingScope", "sku", "sourceAddressPrefix",
        "sourceAddressPrefixes", "sourceApplicationSecurityGroups", "sourcePortRange", "sourcePortRanges", "subnet", "subnets", "syncMode",
        "tags", "tapConfigurations", "tier", "tunnelInterfaces", "virtualMachine", "virtualNetwork", "virtualNetworkPeerings",
        "virtualNetworkTaps", "vnetEncryptionSupported", "zones",
    ]
    private static let spelling = Dictionary(known.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })

    /// - Parameter name: In any case.
    static func canonical(_ name: String) -> String { spelling[name.lowercased()] ?? name }

    /// A body with names brought to their spelling. Those of tags are the user's own.
    static func canonical(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            // In order of the names, so that of two spellings of one the same is always taken.
            let renamed = members.sorted { $0.key < $1.key }.map { name, value in
                let name = canonical(name)
                return (name, name == "tags" ? value : canonical(value))
            }
            return .object(Dictionary(renamed, uniquingKeysWith: { first, _ in first }))
        case .array(let elements): return .array(elements.map(canonical))
        default: return value
        }
    }
}
