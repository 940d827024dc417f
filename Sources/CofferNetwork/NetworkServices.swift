package import CofferModel
package import CofferPlatform

/// The network, put together from the ports that it needs.
package struct NetworkServices: Sendable {
    /// For the resource manager.
    package let provider: NetworkProvider
    /// For virtual machines.
    package let interfaces: any NetworkInterfaces
    /// For who serves their ports.
    package let balancers: any LoadBalancers

    /// - Parameters:
    ///   - publicNetwork: Where new public IP addresses are taken from; those that there are keep theirs.
    ///   - onDeleted: Called after a resource was deleted with a machine, to forget what was said of it elsewhere.
    package init(
        store: any Store, authorizer: any Authorizer, publicNetwork: PublicNetwork = .standard,
        onDeleted: @escaping @Sendable (ResourceID) async throws -> Void = { _ in }
    ) {
        let interfaces = NetworkInterfaceType()
        let addresses = PublicAddressType(network: publicNetwork.prefix)
        let types: [any NetworkType] = [interfaces, LoadBalancerType(), addresses, VirtualNetworkType(), SecurityGroupType()]
        let service = NetworkService(store: store, authorizer: authorizer)
        balancers = StoredLoadBalancers(store: store)
        provider = NetworkProvider(service: service, types: types)
        self.interfaces = MachineInterfaces(store: store, service: service, interfaces: interfaces, addresses: addresses, onDeleted: onDeleted)
    }
}
