import CofferModel
import CofferPlatform

/// A health probe.
struct BalancerProbe: Sendable {
    enum Kind: String, CaseIterable {
        case tcp = "Tcp"
        case http = "Http"
        case https = "Https"
    }

    let name: String
    let probe: BalancedPort.Probe
    let child: NetworkChild

    /// - Throws: ``APIError`` for the first thing that none can have.
    init(_ child: NetworkChild, of record: NetworkRecord) throws {
        var reader = LoadBalancerReader(child, LoadBalancerPart.probes, of: record)
        name = child.name
        let kind = try reader.properties.word("protocol", among: Kind.self, of: reader.id) ?? .tcp
        guard kind == .tcp else {
            throw APIError.balancerNotServed("The protocol \(kind.rawValue) of \(reader.id.typeAndName) is", "a probe is made by TCP: give 'Tcp' and no path", target: "protocol")
        }
        guard (reader.properties.text("requestPath") ?? "").isEmpty else {
            throw APIError.requestFormat("'requestPath' is for probes by HTTP", of: reader.id, target: "requestPath")
        }
        reader.properties["protocol"] = .string(kind.rawValue)
        let port = try reader.port("port")
        let seconds = try reader.number("intervalInSeconds", in: 5...2_147_483_646, else: 15)
        let failures = try reader.number("numberOfProbes", in: 1...2_147_483_647, else: 2)
        let threshold = try reader.number("probeThreshold", in: 1...100, else: 1)
        probe = BalancedPort.Probe(
            port: port, interval: .seconds(seconds), failures: max(Int(clamping: failures), Int(threshold)), successes: Int(threshold))
        self.child = NetworkChild(name: child.name, properties: reader.properties)
    }
}
