import CofferModel
import CofferPlatform
import Testing

@testable import CofferNetwork

@Suite("Network security groups")
struct SecurityGroupTests {
    let world = NetworkWorld()

    @Test("A group is made with its rules, and shows the default ones")
    func life() async throws {
        let made = try await world.ask(.put, "networkSecurityGroups/g1", NetworkWorld.group(NetworkWorld.rule("ssh", 1000, transport: "TCP")))
        #expect(made.status == 201)
        let rule = try #require(made.properties["securityRules"]?.array?.first)
        #expect(rule["id"]?.string == NetworkWorld.id("networkSecurityGroups/g1/securityRules/ssh"))
        #expect(rule["properties"]?["protocol"] == "Tcp" && rule["properties"]?["destinationPortRanges"] == [])
        let defaults = try #require(made.properties["defaultSecurityRules"]?.array)
        #expect(defaults.compactMap { $0["properties"]?["priority"]?.int } == [65000, 65001, 65500, 65000, 65001, 65500])
        #expect(try await world.ask(.get, "networkSecurityGroups/g1/defaultSecurityRules/DenyAllInBound").body == defaults[2])
        #expect(try await world.ask(.get, "networkSecurityGroups/g1/defaultSecurityRules").body["value"]?.array?.count == 6)
        await world.refuse("MethodNotAllowed", 405, .put, "networkSecurityGroups/g1/defaultSecurityRules/x", NetworkWorld.rule("x", 100))
        await world.refuse("MethodNotAllowed", 405, .delete, "networkSecurityGroups/g1/defaultSecurityRules/DenyAllInBound")
        // Sent back as it was told.
        let again = try await world.ask(.put, "networkSecurityGroups/g1", made.body)
        #expect(again.properties["securityRules"]?.array?.first?["properties"] == rule["properties"])
        // Unlike subnets, rules that are left out go.
        #expect(try await world.ask(.put, "networkSecurityGroups/g1", NetworkWorld.resource([:])).properties["securityRules"] == [])
        #expect(try await world.ask(.delete, "networkSecurityGroups/g1").status == 200)
    }

    @Test("Rules are made, changed, listed and deleted by themselves")
    func rules() async throws {
        try await world.ask(.put, "networkSecurityGroups/g1", NetworkWorld.group())
        #expect(try await world.ask(.put, "networkSecurityGroups/g1/securityRules/r1", NetworkWorld.rule("r1", 100)).status == 201)
        #expect(try await world.ask(.put, "networkSecurityGroups/g1/securityRules/r1", NetworkWorld.rule("r1", 101)).status == 200)
        try await world.ask(.put, "networkSecurityGroups/g1/securityRules/r2", NetworkWorld.rule("r2", 101, direction: "outbound"))
        await world.refuse("SecurityRuleConflict", 400, .put, "networkSecurityGroups/g1/securityRules/r3", NetworkWorld.rule("r3", 101))
        let listed = try await world.ask(.get, "networkSecurityGroups/g1/securityRules").body["value"]?.array
        #expect(listed?.compactMap { $0["properties"]?["direction"]?.string } == ["Inbound", "Outbound"])
        #expect(try await world.ask(.delete, "networkSecurityGroups/g1/securityRules/r1").status == 200)
        #expect(try await world.ask(.delete, "networkSecurityGroups/g1/securityRules/r1").status == 204)
        await world.refuse("NotFound", 404, .get, "networkSecurityGroups/g1/securityRules/r1")
    }

    @Test("What no rule can have is refused", arguments: [
        ("SecurityRuleInvalidPriority", "priority", 99), ("SecurityRuleInvalidPriority", "priority", 4097), ("SecurityRuleInvalidPriority", "priority", "x"),
        ("InvalidRequestFormat", "priority", nil), ("InvalidRequestFormat", "access", "Maybe"), ("InvalidRequestFormat", "direction", "Sideways"),
        ("InvalidRequestFormat", "protocol", "Smoke"), ("InvalidRequestFormat", "protocol", nil), ("SecurityRuleInvalidPortRange", "destinationPortRange", "70000"),
        ("SecurityRuleInvalidPortRange", "sourcePortRange", "9-1"), ("SecurityRuleInvalidAddressPrefix", "sourceAddressPrefix", "10.0.0.0/40"),
        ("SecurityRuleInvalidAddressPrefix", "destinationAddressPrefix", "1nternet"), ("InvalidRequestFormat", "sourceAddressPrefix", nil),
        ("InvalidRequestFormat", "destinationPortRanges", ["80"]), ("InvalidRequestFormat", "destinationPortRanges", [80]),
        ("NotSupported", "sourceApplicationSecurityGroups", [["id": "/x"]]),
    ] as [(String, String, JSONValue)])
    func badRules(_ code: String, _ property: String, _ value: JSONValue) async throws {
        guard case .object(var rule) = NetworkWorld.rule("r", 100), var properties = rule["properties"]?.object else { return }
        properties[property] = value
        rule["properties"] = .object(properties)
        await world.refuse(code, 400, .put, "networkSecurityGroups/g1", NetworkWorld.group(.object(rule)))
    }

    @Test("A rule may name several ports and addresses, service tags among them")
    func severalAddresses() async throws {
        let rule: JSONValue = [
            "name": "r",
            "properties": [
                "priority": 200, "access": "Allow", "direction": "Inbound", "protocol": "*", "sourcePortRange": "*",
                "destinationPortRanges": ["80", "8000-8010"], "sourceAddressPrefixes": ["10.0.0.1", "192.168.0.0/16"], "destinationAddressPrefix": "VirtualNetwork",
            ],
        ]
        let made = try await world.ask(.put, "networkSecurityGroups/g1", NetworkWorld.group(rule))
        let properties = made.properties["securityRules"]?.array?.first?["properties"]
        #expect(properties?["destinationPortRanges"] == ["80", "8000-8010"] && properties?["destinationPortRange"] == nil)
        #expect(properties?["destinationAddressPrefixes"] == [] && properties?["destinationAddressPrefix"] == "VirtualNetwork")
    }

    @Test("A group shows who uses it, and stays as long as anybody does")
    func inUse() async throws {
        try await world.makeInterface()
        let group: JSONValue = ["id": .string(NetworkWorld.id("networkSecurityGroups/G1"))]
        let subnet = try await world.ask(
            .put, "virtualNetworks/v1/subnets/s2", ["properties": ["addressPrefix": "10.0.1.0/24", "networkSecurityGroup": group]])
        // Links are told as their owners spell them.
        #expect(subnet.properties["networkSecurityGroup"] == ["id": .string(NetworkWorld.id("networkSecurityGroups/g1"))])
        let shown = try await world.ask(.get, "networkSecurityGroups/g1")
        #expect(shown.properties["networkInterfaces"] == [["id": .string(NetworkWorld.id("networkInterfaces/n1"))]])
        #expect(shown.properties["subnets"] == [["id": .string(NetworkWorld.id("virtualNetworks/v1/subnets/s2"))]])
        await world.refuse("InUseNetworkSecurityGroupCannotBeDeleted", 400, .delete, "networkSecurityGroups/g1")
        try await world.ask(.delete, "networkInterfaces/n1")
        await world.refuse("InUseNetworkSecurityGroupCannotBeDeleted", 400, .delete, "networkSecurityGroups/g1")
        try await world.ask(.put, "virtualNetworks/v1/subnets/s2", ["properties": ["addressPrefix": "10.0.1.0/24", "networkSecurityGroup": nil]])
        #expect(try await world.ask(.delete, "networkSecurityGroups/g1").status == 200)
    }
}
