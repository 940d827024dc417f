import CofferPlatform

extension InterfaceFilter {
    /// - Parameters:
    ///   - groups: The rules of each group in the way, with those that every group ends with.
    ///   - virtualNetwork: The prefixes that the tag `VirtualNetwork` stands for. Other tags stand for nothing that is in there.
    init(groups: [[SecurityRule]], virtualNetwork: [AddressPrefix]) {
        func rules(_ direction: SecurityRule.Direction) -> [[Rule]] {
            groups.map { group in
                group.filter { $0.direction == direction }.sorted { $0.priority < $1.priority }.compactMap { Rule($0, virtualNetwork) }
            }
        }
        self.init(inbound: rules(.inbound), outbound: rules(.outbound))
    }
}

extension InterfaceFilter.Rule {
    /// - Returns: nil for a rule that fits no packet within the virtual network.
    fileprivate init?(_ rule: SecurityRule, _ virtualNetwork: [AddressPrefix]) {
        func prefixes(_ addresses: [SecurityRuleAddress]) -> [String] {
            let all = addresses.flatMap { address -> [AddressPrefix] in
                switch address {
                case .any: [AddressPrefix(IPAddress(0, 0, 0, 0), length: 0)].compactMap(\.self)
                case .prefix(let prefix): [prefix]
                case .tag(let tag): tag == "virtualnetwork" ? virtualNetwork : []
                }
            }
            return all.filter { $0.version == .v4 }.map(\.canonical.description)
        }
        let (sources, destinations) = (prefixes(rule.sources), prefixes(rule.destinations))
        guard !sources.isEmpty, !destinations.isEmpty else { return nil }
        let transport: Transport = switch rule.transport {
        case .tcp: .tcp
        case .udp: .udp
        case .icmp: .icmp
        case .esp: .esp
        case .ah: .ah
        case .any: .any
        }
        self.init(
            allows: rule.access == .allow, transport: transport, sourcePorts: rule.sourcePorts.map(\.ports),
            destinationPorts: rule.destinationPorts.map(\.ports), sources: sources, destinations: destinations)
    }
}
