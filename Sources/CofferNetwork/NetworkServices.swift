package import CofferPlatform

/// The network, put together from the ports that it needs.
package struct NetworkServices: Sendable {
    /// For the resource manager.
    package let provider: NetworkProvider
    /// For virtual machines.
    package let interfaces: any NetworkInterfaces

    /// - Parameter publicNetwork: Where new public IP addresses are taken from; those that there are keep theirs.
    package init(store: any Store, authorizer: any Authorizer, publicNetwork: PublicNetwork = .standard) {
        let interfaces = NetworkInterfaceType()
        let addresses = PublicAddressType(network: publicNetwork.prefix)
        let types: [any NetworkType] = [interfaces, addresses, VirtualNetworkType(), SecurityGroupType()]
        let service = NetworkService(store: store, authorizer: authorizer)
        provider = NetworkProvider(service: service, types: types)
        self.interfaces = MachineInterfaces(store: store, service: service, interfaces: interfaces, addresses: addresses)
    }
}
