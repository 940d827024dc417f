package import CofferModel

/// The network interfaces of virtual machines. Answered by CofferNetwork.
package protocol NetworkInterfaces: Sendable {
    /// What a machine is started with.
    ///
    /// - Throws: ``APIError`` if there is no such interface, or its references are gone.
    func plan(of interface: ResourceID) async throws -> NetworkInterfacePlan
    /// Makes the interfaces those of a machine, all or none. Repeating it is no error.
    ///
    /// - Throws: ``APIError`` if one is missing, elsewhere than `location`, or another machine's.
    func attach(_ interfaces: [ResourceID], to machine: ResourceID, in location: String) async throws
    /// Frees the interfaces that a machine has but for `kept`.
    func detach(allOf machine: ResourceID, keeping kept: [ResourceID]) async throws
    /// Deletes an interface with what was asked to go with it (`deleteOption` of its public IP addresses), for a machine that is deleted.
    func remove(_ interface: ResourceID) async throws
    /// The interfaces that are to be made with a machine, in the order in which it asks for them.
    ///
    /// - Parameter configurations: `networkInterfaceConfigurations` of the machine.
    /// - Throws: ``APIError`` for the first that is not well formed.
    func planned(_ configurations: [JSONValue], for machine: ResourceID) throws -> [PlannedInterface]
    /// Makes an interface with its public IP addresses.
    ///
    /// - Throws: ``APIError`` if something that it names is not there or may not be used by the caller; then nothing of it is left.
    func make(_ interface: PlannedInterface, in location: String, by grant: Grant) async throws
    /// What is below a resource that is not of the network, such as a scale set or one of its instances, as Azure Resource Manager shows it.
    func documents(of part: InterfacePart, below owner: ResourceID) async throws -> [JSONValue]
}

/// What is made with machines.
package enum InterfacePart: Sendable {
    case interfaces
    case publicAddresses
}

/// An interface that is to be made with a machine.
package struct PlannedInterface: Sendable {
    package let id: ResourceID
    package let isPrimary: Bool?
    /// By its `deleteOption`; nil if nothing was said.
    package let isDeletedWithMachine: Bool?
    /// One of the machine's `networkInterfaceConfigurations`.
    package let configuration: JSONValue

    package init(id: ResourceID, isPrimary: Bool?, isDeletedWithMachine: Bool?, configuration: JSONValue) {
        self.id = id
        self.isPrimary = isPrimary
        self.isDeletedWithMachine = isDeletedWithMachine
        self.configuration = configuration
    }
}

/// How a machine is joined to the network through one interface.
package struct NetworkInterfacePlan: Sendable, Equatable {
    package let id: ResourceID
    /// Such as `00:0d:3a:1b:2c:3d`.
    package let macAddress: String
    /// Such as `10.0.0.4`.
    package let privateAddress: String
    /// Such as `10.0.0.0/24`.
    package let subnet: String
    package let virtualNetwork: ResourceID
    /// Of the virtual network, such as `10.0.0.0/16`.
    package let addressSpace: [String]
    /// An address of this machine's loopback network, such as `127.42.0.4`.
    package let publicAddress: String?
    /// What security groups let in from anywhere to the public address, at most 64 in order of priority.
    package let openPorts: [OpenPort]
    package let filter: InterfaceFilter

    package init(
        id: ResourceID, macAddress: String, privateAddress: String, subnet: String, virtualNetwork: ResourceID, addressSpace: [String],
        publicAddress: String?, openPorts: [OpenPort], filter: InterfaceFilter
    ) {
        self.id = id
        self.macAddress = macAddress
        self.privateAddress = privateAddress
        self.subnet = subnet
        self.virtualNetwork = virtualNetwork
        self.addressSpace = addressSpace
        self.publicAddress = publicAddress
        self.openPorts = openPorts
        self.filter = filter
    }
}

/// A port that may be reached from outside.
package struct OpenPort: Hashable, Sendable {
    package enum Transport: String, Sendable {
        case tcp
        case udp
    }

    package let transport: Transport
    package let number: UInt16

    package init(_ transport: Transport, _ number: UInt16) {
        self.transport = transport
        self.number = number
    }
}
