import CofferModel

/// The children of a load balancer, by their types.
enum LoadBalancerPart {
    static let frontends = "frontendIPConfigurations"
    static let pools = "backendAddressPools"
    static let probes = "probes"
    static let rules = "loadBalancingRules"
    static let addressRules = "inboundNatRules"
    static let addressPools = "inboundNatPools"
    static let outboundRules = "outboundRules"
}

extension NetworkLink {
    static let backendPools = NetworkLink(property: "loadBalancerBackendAddressPools", type: "loadBalancers/backendAddressPools", isList: true)
    static let addressRules = NetworkLink(property: "loadBalancerInboundNatRules", type: "loadBalancers/inboundNatRules", isList: true)
    /// Of instances of scale sets alone.
    static let addressPools = NetworkLink(property: "loadBalancerInboundNatPools", type: "loadBalancers/inboundNatPools", isList: true)
}
