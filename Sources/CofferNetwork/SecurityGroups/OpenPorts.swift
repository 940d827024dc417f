import CofferModel
import CofferPlatform

/// Finds the ports of a public address that security groups let the host in at: the source of a packet is then `127.0.0.1`, which counts as
/// the Internet and not as the virtual network.
///
/// Only ports can be forwarded that can be told one by one. A rule that allows more than 64 stands for those of 22, 80, 443 and 3389 that are
/// among them.
struct OpenPorts {
    /// The inbound rules of each group that is in the way, of the interface and of its subnet.
    let groups: [[SecurityRule]]
    let privateAddress: IPAddress
    /// Whether everything is open where no group is in the way, as it is for addresses of the sku Basic.
    let isOpenWithoutGroup: Bool

    private static let most = 64
    private static let wellKnown: [UInt16] = [22, 80, 443, 3389]
    private static let host = IPAddress(127, 0, 0, 1)

    /// At most 64, those of rules with the lowest priority number first.
    var list: [OpenPort] {
        guard !groups.isEmpty else { return isOpenWithoutGroup ? Self.wellKnown.map { OpenPort(.tcp, $0) } : [] }
        var found: [OpenPort] = []
        let allowing = groups.joined().filter { $0.access == .allow && concernsHost($0) }.sorted { $0.priority < $1.priority }
        for rule in allowing {
            for port in candidates(rule) where !found.contains(port) && groups.allSatisfy({ allows($0, port) }) {
                found.append(port)
                if found.count == Self.most { return found }
            }
        }
        return found
    }

    /// Whether a port is open, also one of a rule of many.
    func isOpen(_ port: OpenPort) -> Bool {
        groups.isEmpty ? isOpenWithoutGroup : groups.allSatisfy { allows($0, port) }
    }

    private func candidates(_ rule: SecurityRule) -> [OpenPort] {
        let transports: [OpenPort.Transport] = switch rule.transport {
        case .tcp: [.tcp]
        case .udp: [.udp]
        case .any: [.tcp, .udp]
        case .icmp, .esp, .ah: []
        }
        return rule.destinationPorts.flatMap { range -> [OpenPort] in
            guard range.ports.count <= Self.most else {
                return transports.contains(.tcp) ? Self.wellKnown.filter { range.ports.contains($0) }.map { OpenPort(.tcp, $0) } : []
            }
            return range.ports.flatMap { port in port == 0 ? [] : transports.map { OpenPort($0, port) } }
        }
    }

    /// What the first rule of a group that fits says.
    private func allows(_ group: [SecurityRule], _ port: OpenPort) -> Bool {
        let fitting = group.filter { rule in
            concernsHost(rule) && fits(rule.transport, port.transport) && rule.destinationPorts.contains { $0.ports.contains(port.number) }
        }
        return fitting.min { $0.priority < $1.priority }?.access == .allow
    }

    private func fits(_ transport: SecurityRule.TransportProtocol, _ other: OpenPort.Transport) -> Bool {
        transport == .any || transport == .tcp && other == .tcp || transport == .udp && other == .udp
    }

    /// Whether a rule is about packets from the host to the interface. Nobody knows the port that a client will send from, so a rule that
    /// wants a certain one allows nothing, and to be sure denies.
    private func concernsHost(_ rule: SecurityRule) -> Bool {
        let isFromHost = rule.sources.contains { source in
            switch source {
            case .any: true
            case .prefix(let prefix): prefix.contains(Self.host)
            case .tag(let tag): tag == "internet"
            }
        }
        let isToInterface = rule.destinations.contains { destination in
            switch destination {
            case .any: true
            case .prefix(let prefix): prefix.contains(privateAddress)
            case .tag(let tag): tag == "virtualnetwork"
            }
        }
        let isFromAnyPort = rule.sourcePorts.contains { $0.ports == 0...UInt16.max }
        return rule.direction == .inbound && isFromHost && isToInterface && (isFromAnyPort || rule.access == .deny)
    }
}
