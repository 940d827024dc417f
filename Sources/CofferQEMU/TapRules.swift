import CofferPlatform

/// The packet filter of a virtual network's namespace, in nft(8)'s language: a table `inet coffer`. Each text can be applied again.
///
/// A packet is looked at three times: whether it comes from the address of the guest that it comes from, whether that guest may send it, and
/// whether the one that it goes to may get it. Answers to what was allowed pass.
enum TapRules {
    /// What the namespace has before any guest: nobody sends anything but a request for an address.
    static let base = """
        add table inet coffer
        add set inet coffer guests { typeof iifname . ip saddr; }
        add map inet coffer leaving { type ifname : verdict; }
        add map inet coffer arriving { type ifname : verdict; }
        add chain inet coffer sources { type filter hook prerouting priority -300; policy drop; }
        add chain inet coffer input { type filter hook input priority 0; policy drop; }
        add chain inet coffer forward { type filter hook forward priority 0; policy drop; }
        flush chain inet coffer sources
        flush chain inet coffer input
        flush chain inet coffer forward
        add rule inet coffer sources iifname "lo" accept
        add rule inet coffer sources ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
        add rule inet coffer sources iifname . ip saddr @guests accept
        add rule inet coffer input ct state established,related accept
        add rule inet coffer input udp sport 68 udp dport 67 accept
        add rule inet coffer forward ct state established,related accept
        add rule inet coffer forward ct state invalid drop
        add rule inet coffer forward iifname vmap @leaving
        add rule inet coffer forward oifname vmap @arriving

        """

    /// How many groups can be in the way of an interface.
    private static let groupCount = 2

    /// Lets a guest in, by what its groups allow.
    static func add(_ card: TapCard, _ filter: InterfaceFilter) -> String {
        var lines: [String] = []
        for (side, groups) in [("in", filter.inbound), ("out", filter.outbound)] {
            let (chain, chains) = chains(of: card, side)
            for name in chains + [chain] { lines += ["add chain inet coffer \(name)", "flush chain inet coffer \(name)"] }
            for (name, rules) in zip(chains, groups) {
                lines += rules.map(words).map { "add rule inet coffer \(name) \($0)" }
                lines += ["add rule inet coffer \(name) drop", "add rule inet coffer \(chain) jump \(name)"]
            }
        }
        lines += [
            "add rule inet coffer \(card.device)_in accept",
            "add element inet coffer guests { \"\(card.device)\" . \(card.address) }",
            "add element inet coffer leaving { \"\(card.device)\" : jump \(card.device)_out }",
            "add element inet coffer arriving { \"\(card.device)\" : jump \(card.device)_in }",
        ]
        return base + lines.joined(separator: "\n") + "\n"
    }

    /// Takes away what ``add(_:_:)`` made, and makes it first, so that it is there in any case.
    static func remove(_ card: TapCard) -> String {
        var lines = [
            "delete element inet coffer guests { \"\(card.device)\" . \(card.address) }", "delete element inet coffer leaving { \"\(card.device)\" }",
            "delete element inet coffer arriving { \"\(card.device)\" }",
        ]
        for side in ["in", "out"] {
            let (chain, chains) = chains(of: card, side)
            for command in ["flush", "delete"] { lines += ([chain] + chains).map { "\(command) chain inet coffer \($0)" } }
        }
        return add(card, InterfaceFilter()) + lines.joined(separator: "\n") + "\n"
    }

    /// The chain of a guest's packets in one direction, and those that it leads to, one for each group.
    private static func chains(of card: TapCard, _ side: String) -> (all: String, groups: [String]) {
        let all = "\(card.device)_\(side)"
        return (all, (0..<groupCount).map { "\(all)_\($0)" })
    }

    /// A group's rule: `return` goes on with the next group. One for all transports that names ports is one for those that have ports.
    private static func words(_ rule: InterfaceFilter.Rule) -> String {
        func set(_ values: [String]) -> String { "{ \(values.joined(separator: ", ")) }" }
        func ports(_ ranges: [ClosedRange<UInt16>]) -> String? {
            guard !ranges.contains(0...UInt16.max) else { return nil }
            return set(ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" })
        }
        var parts: [String] = []
        if !rule.sources.contains("0.0.0.0/0") { parts.append("ip saddr \(set(rule.sources))") }
        if !rule.destinations.contains("0.0.0.0/0") { parts.append("ip daddr \(set(rule.destinations))") }
        let named = [ports(rule.sourcePorts).map { "th sport \($0)" }, ports(rule.destinationPorts).map { "th dport \($0)" }].compactMap(\.self)
        switch rule.transport {
        case .tcp, .udp: parts += ["meta l4proto \(rule.transport.rawValue)"] + named
        case .icmp, .esp, .ah: parts.append("meta l4proto \(rule.transport.rawValue)")
        case .any: if !named.isEmpty { parts += ["meta l4proto { tcp, udp }"] + named }
        }
        return (parts + [rule.allows ? "return" : "drop"]).joined(separator: " ")
    }
}
