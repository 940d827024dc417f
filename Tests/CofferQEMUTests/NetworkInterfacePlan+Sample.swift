import CofferModel
import CofferPlatform

extension NetworkInterfacePlan {
    /// An interface of `10.0.0.4`, or another address, in `10.0.0.0/24`.
    static func sample(
        _ id: ResourceID, privateAddress: String = "10.0.0.4", network: String = "v", publicAddress: String? = nil, openPorts: [OpenPort] = [],
        filter: InterfaceFilter = InterfaceFilter()
    ) -> NetworkInterfacePlan {
        NetworkInterfacePlan(
            id: id, macAddress: "00:0d:3a:00:00:01", privateAddress: privateAddress, subnet: "10.0.0.0/24",
            virtualNetwork: ResourceID(subscription: "s", group: "g", namespace: "Microsoft.Network", type: "virtualNetworks", name: network),
            addressSpace: ["10.0.0.0/16"], publicAddress: publicAddress, openPorts: openPorts, filter: filter)
    }
}
