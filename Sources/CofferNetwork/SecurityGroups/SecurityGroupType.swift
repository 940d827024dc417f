import CofferModel
import CofferPlatform

/// `Microsoft.Network/networkSecurityGroups` with their rules.
struct SecurityGroupType: NetworkType {
    static let rules = "securityRules"
    static let defaultRules = "defaultSecurityRules"

    let shape = NetworkShape(
        type: "networkSecurityGroups", told: ["networkInterfaces", "subnets", "flowLogs"],
        children: [
            NetworkShape(type: rules, refused: ["sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups"]),
            NetworkShape(type: defaultRules, isWritable: false, isTold: true),
        ])

    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws {
        var seen: [SecurityRule] = []
        record.children[Self.rules] = try record.children(Self.rules).map { child in
            var child = child
            let rule = try SecurityRule(settling: &child, of: record.id)
            if let other = seen.first(where: { $0.priority == rule.priority && $0.direction == rule.direction }) {
                throw APIError.securityRulesConflict(rule.name, other.name)
            }
            seen.append(rule)
            return child
        }
    }

    func children(_ type: String, of record: NetworkRecord) -> [NetworkChild] {
        type == Self.defaultRules ? SecurityRule.defaults : record.children(type)
    }

    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws {
        let users = try network.users(of: record.id)
        let interfaces = users.filter { $0.isType("Microsoft.Network/networkInterfaces") }
        let subnets = users.filter { $0.isType("Microsoft.Network/virtualNetworks/subnets") }
        if !interfaces.isEmpty { properties["networkInterfaces"] = interfaces.linkList }
        if !subnets.isEmpty { properties["subnets"] = subnets.linkList }
    }

    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws {
        let users = try network.users(of: record.id)
        guard users.isEmpty else { throw APIError.securityGroupInUse(record.id, by: users) }
    }
}
