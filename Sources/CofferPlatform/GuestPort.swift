package import CofferCore

/// A TCP port of a machine, as load balancers name it.
package struct GuestPort: Hashable, Sendable {
    /// The place of the interface among the machine's.
    package let interface: Int
    /// The interface's, such as `10.0.0.4`.
    package let privateAddress: String
    package let number: UInt16

    package init(interface: Int, privateAddress: String, number: UInt16) {
        self.interface = interface
        self.privateAddress = privateAddress
        self.number = number
    }
}

/// Where this host reaches something by TCP.
package struct HostEndpoint: Hashable, Sendable {
    package let address: String
    package let port: UInt16
    /// The network that the address is in; nil for the host's usual one.
    package let network: NetworkNamespace?

    /// What is added to a port below 1024 where the system keeps those for root.
    package static let rootPortShift: UInt16 = 10_000

    package init(address: String, port: UInt16, in network: NetworkNamespace? = nil) {
        self.address = address
        self.port = port
        self.network = network
    }
}
