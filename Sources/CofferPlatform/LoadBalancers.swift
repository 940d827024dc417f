package import CofferModel

/// The load balancers of the network. Answered by CofferNetwork.
package protocol LoadBalancers: Sendable {
    /// The ports of public addresses that they serve, each with who is behind it.
    func balancedPorts() async throws -> [BalancedPort]
}

/// A TCP port of a public address that leads to a port of one of several interfaces.
package struct BalancedPort: Sendable, Equatable {
    /// An interface of a machine.
    package struct Member: Sendable, Equatable {
        package let machine: ResourceID
        package let interface: ResourceID
        /// Such as `10.0.0.4`.
        package let privateAddress: String
        package let port: UInt16

        package init(machine: ResourceID, interface: ResourceID, privateAddress: String, port: UInt16) {
            self.machine = machine
            self.interface = interface
            self.privateAddress = privateAddress
            self.port = port
        }
    }

    /// Whether a member gets connections is found out by connecting to a port of it.
    package struct Probe: Sendable, Hashable {
        package let port: UInt16
        package let interval: Duration
        /// How many failures in a row take a member out.
        package let failures: Int
        /// How many successes in a row bring it back.
        package let successes: Int

        package init(port: UInt16, interval: Duration, failures: Int, successes: Int) {
            self.port = port
            self.interval = interval
            self.failures = failures
            self.successes = successes
        }
    }

    package let balancer: ResourceID
    /// Such as `127.42.0.4`.
    package let address: String
    package let port: UInt16
    /// Those whose security groups let connections in.
    package let members: [Member]
    /// Without one all members get connections.
    package let probe: Probe?
    package let manner: BalancingManner

    package init(balancer: ResourceID, address: String, port: UInt16, members: [Member], probe: Probe?, manner: BalancingManner) {
        self.balancer = balancer
        self.address = address
        self.port = port
        self.members = members
        self.probe = probe
        self.manner = manner
    }
}

/// What becomes of a port's connections.
package struct BalancingManner: Sendable, Equatable {
    /// Whether all connections of one client address go to one member; otherwise each goes to one by chance.
    package let keepsClients: Bool
    /// After how long without a byte a connection is closed.
    package let idleLimit: Duration
    /// Whether it is closed with a reset then.
    package let resetsIdle: Bool

    package init(keepsClients: Bool, idleLimit: Duration, resetsIdle: Bool) {
        self.keepsClients = keepsClients
        self.idleLimit = idleLimit
        self.resetsIdle = resetsIdle
    }
}

/// Listens at ports of this host and carries their connections to others. Answered by CofferBalancer.
package protocol PortServer: Sendable {
    /// Serves these ports and no others from now on. Connections that there are go on.
    ///
    /// - Returns: A sentence for each port that cannot be listened at, or is not where it should be.
    func serve(_ ports: [ServedPort]) async -> [String]
}

/// A port of this host, and where its connections go.
package struct ServedPort: Sendable, Equatable {
    package struct Target: Sendable, Equatable {
        /// The same for the same member, so that clients that are kept stay with it.
        package let name: String
        package let endpoint: HostEndpoint

        package init(name: String, endpoint: HostEndpoint) {
            self.name = name
            self.endpoint = endpoint
        }
    }

    package let address: String
    package let port: UInt16
    /// Where there are none, connections are reset.
    package let targets: [Target]
    package let manner: BalancingManner

    package init(address: String, port: UInt16, targets: [Target], manner: BalancingManner) {
        self.address = address
        self.port = port
        self.targets = targets
        self.manner = manner
    }
}
