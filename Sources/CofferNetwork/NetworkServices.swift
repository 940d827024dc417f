package import CofferPlatform

/// The network, put together from the ports that it needs.
package struct NetworkServices: Sendable {
    /// For the resource manager.
    package let provider: NetworkProvider
    /// For virtual machines.
    package let interfaces: any NetworkInterfaces

    /// - Parameter publicNetwork: The addresses of the host's loopback network that public IP addresses are taken from, in CIDR notation;
    ///   `127.42.0.0/16` if nil, or not an IPv4 prefix.
    package init(store: any Store, authorizer: any Authorizer, publicNetwork: String? = nil) {
        let network = publicNetwork.flatMap { AddressPrefix($0) }.flatMap { $0.version == .v4 ? $0.canonical : nil }
        let interfaces = NetworkInterfaceType()
        let addresses = PublicAddressType(network: network ?? .defaultPublicNetwork)
        let types: [any NetworkType] = [interfaces, addresses, VirtualNetworkType(), SecurityGroupType()]
        provider = NetworkProvider(service: NetworkService(store: store, authorizer: authorizer), types: types)
        self.interfaces = MachineInterfaces(store: store, interfaces: interfaces, addresses: addresses)
    }
}

extension AddressPrefix {
    static var defaultPublicNetwork: AddressPrefix {
        let first = IPAddress(127, 42, 0, 0)
        return AddressPrefix(first, length: 16) ?? AddressPrefix(only: first)
    }
}
