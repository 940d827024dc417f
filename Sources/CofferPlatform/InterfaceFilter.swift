/// What the security groups in the way of an interface, its own and its subnet's, say of packets within its virtual network. Packets from
/// elsewhere are let in by ``NetworkInterfacePlan/openPorts``.
package struct InterfaceFilter: Hashable, Sendable {
    /// A rule of a group. The first that fits decides for the group, and all groups have to allow.
    package struct Rule: Hashable, Sendable {
        package enum Transport: String, Sendable {
            case tcp, udp, icmp, esp, ah, any
        }

        package let allows: Bool
        package let transport: Transport
        package let sourcePorts: [ClosedRange<UInt16>]
        package let destinationPorts: [ClosedRange<UInt16>]
        /// IPv4 prefixes, such as `10.0.0.0/24`; at least one.
        package let sources: [String]
        package let destinations: [String]

        package init(
            allows: Bool, transport: Transport, sourcePorts: [ClosedRange<UInt16>], destinationPorts: [ClosedRange<UInt16>], sources: [String],
            destinations: [String]
        ) {
            self.allows = allows
            self.transport = transport
            self.sourcePorts = sourcePorts
            self.destinationPorts = destinationPorts
            self.sources = sources
            self.destinations = destinations
        }
    }

    /// The rules of each group, in order; what none of a group's fits is denied.
    package let inbound: [[Rule]]
    package let outbound: [[Rule]]

    package init(inbound: [[Rule]] = [], outbound: [[Rule]] = []) {
        self.inbound = inbound
        self.outbound = outbound
    }
}
