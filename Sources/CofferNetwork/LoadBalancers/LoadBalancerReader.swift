import CofferModel
import CofferPlatform

/// What is read of the properties of a load balancer's child.
struct LoadBalancerReader {
    let record: NetworkRecord
    let id: ResourceID
    var properties: [String: JSONValue]

    init(_ child: NetworkChild, _ type: String, of record: NetworkRecord) {
        self.record = record
        id = record.id.childID(type, child.name)
        properties = child.properties
    }

    /// A number, which templates also write as text; it is stored as a number.
    ///
    /// - Throws: ``APIError`` if there is none in the range and no `fallback`.
    mutating func number(_ name: String, in range: ClosedRange<Int64>, else fallback: Int64? = nil) throws -> Int64 {
        guard let value = properties[name], value != .null else {
            guard let fallback else { throw APIError.requestFormat("'\(name)' is missing", of: id, target: name) }
            properties[name] = .int(fallback)
            return fallback
        }
        guard let number = value.int ?? value.string.flatMap(DecimalNumber.read).map(Int64.init), range.contains(number) else {
            throw APIError.requestFormat("'\(name)' is not a number from \(range.lowerBound) to \(range.upperBound)", of: id, target: name)
        }
        properties[name] = .int(number)
        return number
    }

    mutating func port(_ name: String) throws -> UInt16 { UInt16(clamping: try number(name, in: 1...65535)) }

    /// The name of another child of the same load balancer; nil if none is named. It is stored by its id.
    ///
    /// - Throws: ``APIError`` if it names something else.
    mutating func part(_ name: String, _ type: String) throws -> String? {
        guard let value = properties[name], value != .null else { return nil }
        let found = try part(value, name, type)
        properties[name] = ["id": .string(record.id.childID(type, found).text)]
        return found
    }

    func part(_ value: JSONValue, _ name: String, _ type: String) throws -> String {
        let text = value["id"]?.string ?? ""
        guard let target = ResourceID(text), target.isType("Microsoft.Network/loadBalancers/\(type)") else {
            throw APIError.linkInvalid(text, NetworkLink(property: name, type: "loadBalancers/\(type)"), of: id)
        }
        guard target.parent == record.id, let child = record.children(type).first(named: target.name) else {
            throw APIError.referenceNotFound(target, of: id)
        }
        return child.name
    }

    mutating func required(_ name: String, _ type: String) throws -> String {
        guard let found = try part(name, type) else { throw APIError.requestFormat("'\(name)' is missing", of: id, target: name) }
        return found
    }

    /// What becomes of connections.
    mutating func manner(keepsClients: Bool) throws -> BalancingManner {
        let minutes = try number("idleTimeoutInMinutes", in: 4...100, else: 4)
        let resets = properties["enableTcpReset"]?.bool ?? false
        properties["enableTcpReset"] = .bool(resets)
        return BalancingManner(keepsClients: keepsClients, idleLimit: .seconds(minutes * 60), resetsIdle: resets)
    }

    /// Sees that the protocol is TCP.
    mutating func requireTCP() throws {
        enum Word: String, CaseIterable {
            case tcp = "Tcp"
            case udp = "Udp"
            case all = "All"
        }
        guard let word = try properties.word("protocol", among: Word.self, of: id) else {
            throw APIError.requestFormat("'protocol' is missing", of: id, target: "protocol")
        }
        guard word == .tcp else { throw APIError.balancerProtocol(word.rawValue, of: id) }
    }

    /// Sees that something which is not done here is not asked for.
    mutating func requireOff(_ name: String, _ why: String) throws {
        if properties[name]?.bool == true { throw APIError.balancerNotServed("'\(name)' of \(id.typeAndName)", why, target: name) }
        properties[name] = false
    }
}
