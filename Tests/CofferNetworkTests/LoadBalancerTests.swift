import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferNetwork

@Suite("Load balancers")
struct LoadBalancerTests {
    let world = NetworkWorld()

    private static let path = "loadBalancers/lb"
    private static func part(_ path: String) -> JSONValue { ["id": .string(NetworkWorld.id("loadBalancers/lb/\(path)"))] }
    private static let frontend = part("frontendIPConfigurations/f")
    private static let pool = part("backendAddressPools/b")

    private static func rule(_ name: String = "r", port: JSONValue = 80, _ more: [String: JSONValue] = [:]) -> JSONValue {
        let properties: [String: JSONValue] = [
            "frontendIPConfiguration": frontend, "backendAddressPool": pool, "protocol": "tcp", "frontendPort": port, "backendPort": 8080,
        ]
        return ["name": .string(name), "properties": .object(properties.merging(more) { $1 })]
    }

    private static func range(_ name: String, _ first: String = "50000", _ last: String = "50001", _ more: [String: JSONValue] = [:]) -> JSONValue {
        let properties: [String: JSONValue] = [
            "frontendIPConfiguration": frontend, "protocol": "tcp", "frontendPortRangeStart": .string(first), "frontendPortRangeEnd": .string(last),
            "backendPort": 22,
        ]
        return ["name": .string(name), "properties": .object(properties.merging(more) { $1 })]
    }

    private static func balancer(_ more: [String: JSONValue] = [:], address: String = "p", sku: String = "Standard") -> JSONValue {
        let frontend: JSONValue = ["name": "f", "properties": ["publicIPAddress": ["id": .string(NetworkWorld.id("publicIPAddresses/\(address)"))]]]
        let properties: [String: JSONValue] = ["frontendIPConfigurations": [frontend], "backendAddressPools": [["name": "b"]]]
        return NetworkWorld.resource(.object(properties.merging(more) { $1 }), more: ["sku": ["name": .string(sku)]])
    }

    private func makeGround() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        try await world.ask(.put, "networkSecurityGroups/g1", NetworkWorld.group(NetworkWorld.rule("ssh", 1000), NetworkWorld.rule("web", 1010, port: "8080")))
        try await world.ask(.put, "publicIPAddresses/p", NetworkWorld.publicAddress())
    }

    private func makeInterface(_ name: String, _ more: [String: JSONValue] = ["loadBalancerBackendAddressPools": [pool]]) async throws {
        try await world.ask(.put, "networkInterfaces/\(name)", NetworkWorld.interface(NetworkWorld.configuration(more: more), group: "g1"))
        try await world.services.interfaces.attach([NetworkWorld.resourceID("networkInterfaces/\(name)")], to: NetworkWorld.machine("m-\(name)"), in: "uksouth")
    }

    @Test("One is made as az sends it, shown, sent back as it was, and deleted")
    func life() async throws {
        try await makeGround()
        let body = Self.balancer(["loadBalancingRules": [Self.rule()], "inboundNatRules": [Self.range("n", more: Self.pool)]])
        #expect(try await world.ask(.put, Self.path, body).status == 201)
        try await makeInterface("a")
        try await makeInterface("c")
        let shown = try await world.ask(.get, Self.path)
        let frontend = shown.properties["frontendIPConfigurations"]?.array?.first?["properties"]
        #expect(frontend?["loadBalancingRules"] == [Self.part("loadBalancingRules/r")] && frontend?["inboundNatRules"] == [Self.part("inboundNatRules/n")])
        let rule = shown.properties["loadBalancingRules"]?.array?.first?["properties"]
        #expect(rule?["backendAddressPools"] == [Self.pool] && rule?["protocol"] == "Tcp" && rule?["loadDistribution"] == "Default")
        let nat = shown.properties["inboundNatRules"]?.array?.first?["properties"]
        #expect(nat?["frontendPortRangeStart"] == 50_000 && nat?["frontendPort"] == 0 && nat?["backendIPConfiguration"] == nil)
        let members = shown.properties["backendAddressPools"]?.array?.first?["properties"]?["loadBalancerBackendAddresses"]?.array ?? []
        #expect(members.map { $0["properties"]?["inboundNatRulesPortMapping"]?.array?.first?["frontendPort"] } == [50_000, 50_001])
        let address = try await world.ask(.get, "publicIPAddresses/p").properties
        #expect(address["ipConfiguration"] == Self.frontend)
        let again = try await world.ask(.put, Self.path, shown.body)
        #expect(again.status == 200 && Self.withoutTags(again.properties) == Self.withoutTags(shown.properties))
        #expect(try await world.ask(.get, "\(Self.path)/probes").body["value"] == [])
        #expect(try await world.ask(.get, "\(Self.path)/backendAddressPools/b").properties["backendIPConfigurations"]?.array?.count == 2)
        await world.refuse("InUseLoadBalancerCannotBeDeleted", 400, .delete, Self.path)
        await world.refuse("InUseLoadBalancerCannotBeDeleted", 400, .put, Self.path, Self.balancer(["backendAddressPools": [], "inboundNatRules": []]))
        await world.refuse("PublicIPAddressCannotBeDeleted", 400, .delete, "publicIPAddresses/p")
        try await world.services.interfaces.detach(allOf: NetworkWorld.machine("m-a"), keeping: [])
        try await world.services.interfaces.detach(allOf: NetworkWorld.machine("m-c"), keeping: [])
        for rest in ["networkInterfaces/a", "networkInterfaces/c", Self.path, "publicIPAddresses/p", "virtualNetworks/v1", "networkSecurityGroups/g1"] {
            #expect(try await world.ask(.delete, rest).status == 200)
        }
        #expect(try await world.store.read { try $0.documents(in: NetworkClaim.collection, prefix: "", after: nil, limit: 10).isEmpty })
    }

    @Test("Ports lead to the members whose security groups let them in; places of a range are the lowest free ones, and stay")
    func ports() async throws {
        try await makeGround()
        let probe: JSONValue = ["name": "h", "properties": ["protocol": "Tcp", "port": 81, "intervalInSeconds": 5, "numberOfProbes": 3]]
        try await world.ask(.put, Self.path, Self.balancer([
            "probes": [probe],
            "loadBalancingRules": [
                Self.rule(["probe": Self.part("probes/h"), "loadDistribution": "sourceip"]), Self.rule("closed", port: "443", ["backendPort": 9]),
            ],
            "inboundNatRules": [Self.range("n", more: Self.pool)],
        ]))
        #expect(try await world.services.balancers.balancedPorts().map(\.members.count) == [0, 0])
        for name in ["a", "c", "e"] { try await makeInterface(name) }
        func ports() async throws -> [String: [String]] {
            let all = try await world.services.balancers.balancedPorts()
            return Dictionary(all.map { ("\($0.address):\($0.port)", $0.members.map { "\($0.machine.name) \($0.privateAddress):\($0.port)" }) }) { $0 + $1 }
        }
        // The range has two places.
        #expect(try await ports() == [
            "127.42.0.4:80": ["m-a 10.0.0.4:8080", "m-c 10.0.0.5:8080", "m-e 10.0.0.6:8080"], "127.42.0.4:443": [],
            "127.42.0.4:50000": ["m-a 10.0.0.4:22"], "127.42.0.4:50001": ["m-c 10.0.0.5:22"],
        ])
        let rule = try await world.services.balancers.balancedPorts().first { $0.port == 80 }
        #expect(rule?.probe == BalancedPort.Probe(port: 81, interval: .seconds(5), failures: 3, successes: 1))
        #expect(rule?.manner == BalancingManner(keepsClients: true, idleLimit: .seconds(240), resetsIdle: false))
        try await world.services.interfaces.detach(allOf: NetworkWorld.machine("m-a"), keeping: [])
        try await world.ask(.delete, "networkInterfaces/a")
        try await makeInterface("z")
        let now = try await ports()
        #expect(now["127.42.0.4:50000"] == ["m-z 10.0.0.4:22"] && now["127.42.0.4:50001"] == ["m-c 10.0.0.5:22"])
        let shown = try await world.ask(.get, "networkInterfaces/z")
        #expect(shown.configuration["loadBalancerBackendAddressPools"] == [Self.pool] && shown.configuration["loadBalancerPlaces"] == nil)
        _ = try await world.ask(.put, "networkInterfaces/z", shown.body)
        #expect(try await ports() == now)
    }

    @Test("An interface names a NAT rule of its own; a set's instances are listed as rules of their pool")
    func addressRules() async throws {
        try await makeGround()
        try await world.ask(.put, "publicIPAddresses/q", NetworkWorld.publicAddress(sku: "Basic", method: "Dynamic"))
        let single: JSONValue = ["name": "one", "properties": ["frontendIPConfiguration": Self.frontend, "protocol": "Tcp", "frontendPort": 2222, "backendPort": 22]]
        try await world.ask(.put, Self.path, Self.balancer(["inboundNatRules": [single], "inboundNatPools": [Self.range("pool")]], address: "q", sku: "Basic"))
        let one = Self.part("inboundNatRules/one")
        try await makeInterface("a", ["loadBalancerInboundNatRules": [one]])
        await world.refuse(
            "InboundNatRuleInUse", 400, .put, "networkInterfaces/c",
            NetworkWorld.interface(NetworkWorld.configuration(more: ["loadBalancerInboundNatRules": [one]])))
        let pools: [String: JSONValue] = ["loadBalancerInboundNatPools": [Self.part("inboundNatPools/pool")]]
        await world.refuse("NotSupported", 400, .put, "networkInterfaces/c", NetworkWorld.interface(NetworkWorld.configuration(more: pools)))
        let set = ResourceID(subscription: NetworkWorld.subscription, group: "rg", namespace: "Microsoft.Compute", type: "virtualMachineScaleSets", name: "ss")
        let instance = try #require(set.child("virtualMachines", "3"))
        let configuration: JSONValue = ["name": "nic", "properties": ["primary": true, "ipConfigurations": [NetworkWorld.configuration(more: pools)]]]
        let scope = ResourceID(subscription: NetworkWorld.subscription, group: "rg")
        let grant = try await AllowEverything().grant(.management("Microsoft.Network/*"), to: NetworkWorld.caller, on: scope)
        let planned = try world.services.interfaces.planned([configuration], for: instance)
        try await world.services.interfaces.make(planned[0], in: "uksouth", by: grant)
        try await world.services.interfaces.attach([planned[0].id], to: instance, in: "uksouth")
        let shown = try await world.ask(.get, Self.path)
        let rules = shown.properties["inboundNatRules"]?.array ?? []
        #expect(rules.map { $0["name"] } == ["one", "pool.3"] && rules[1]["properties"]?["frontendPort"] == 50_000)
        #expect(rules[1]["properties"]?["backendIPConfiguration"]?["id"] == .string("\(planned[0].id.text)/ipConfigurations/ipconfig1"))
        #expect(rules[0]["properties"]?["backendIPConfiguration"]?["id"]?.string == NetworkWorld.id("networkInterfaces/a/ipConfigurations/ipconfig1"))
        #expect(try await Self.withoutTags(world.ask(.put, Self.path, shown.body).properties) == Self.withoutTags(shown.properties))
        #expect(try await world.services.balancers.balancedPorts().map(\.port) == [2222, 50_000])
        try await world.services.interfaces.detach(allOf: NetworkWorld.machine("m-a"), keeping: [])
        try await world.ask(.delete, "networkInterfaces/a")
        await world.refuse("LoadBalancerInUseByVirtualMachineScaleSet", 400, .delete, Self.path)
    }

    @Test("What would not be done is refused with what to do instead")
    func refusals() async throws {
        try await makeGround()
        try await world.ask(.put, "publicIPAddresses/basic", NetworkWorld.publicAddress(sku: "Basic", method: "Dynamic"))
        func refuse(_ code: String, _ more: [String: JSONValue], sourceLocation: SourceLocation = #_sourceLocation) async {
            await world.refuse(code, 400, .put, Self.path, Self.balancer(more), sourceLocation: sourceLocation)
        }
        await refuse("NotSupported", ["frontendIPConfigurations": [["name": "f", "properties": ["subnet": ["id": .string(NetworkWorld.id("virtualNetworks/v1/subnets/s1"))]]]]])
        await refuse("NotSupported", ["outboundRules": [["name": "o", "properties": ["protocol": "All"]]]])
        await refuse("NotSupported", ["loadBalancingRules": [Self.rule(["protocol": "Udp"])]])
        await refuse("NotSupported", ["loadBalancingRules": [Self.rule(["protocol": "All", "frontendPort": 0, "backendPort": 0])]])
        await refuse("NotSupported", ["loadBalancingRules": [Self.rule(["enableFloatingIP": true])]])
        await refuse("NotSupported", ["probes": [["name": "h", "properties": ["protocol": "Http", "port": 80, "requestPath": "/"]]]])
        await refuse("NotSupported", ["backendAddressPools": [["name": "b", "properties": ["loadBalancerBackendAddresses": [["name": "x", "properties": ["ipAddress": "10.0.0.9"]]]]]]])
        await refuse("InvalidRequestFormat", ["frontendIPConfigurations": []])
        await refuse("InvalidRequestFormat", ["loadBalancingRules": [Self.rule(["protocol": "Sctp"])]])
        await refuse("InvalidRequestFormat", ["loadBalancingRules": [Self.rule(port: 70_000)]])
        await refuse("InvalidRequestFormat", ["loadBalancingRules": [Self.rule(["idleTimeoutInMinutes": 1])]])
        await refuse("InvalidRequestFormat", ["inboundNatRules": [Self.range("n", "50005", "50000", more: Self.pool)]])
        await refuse("InvalidRequestFormat", ["probes": [["name": "h", "properties": ["protocol": "Tcp", "port": 80, "intervalInSeconds": 1]]]])
        await refuse("InvalidResourceReference", ["loadBalancingRules": [Self.rule(["probe": Self.part("probes/none")])]])
        await refuse("LinkedInvalidPropertyId", ["loadBalancingRules": [Self.rule(["frontendIPConfiguration": Self.pool])]])
        await refuse("RulesUseSameFrontendPortProtocolAndVIP", ["loadBalancingRules": [Self.rule("r", port: 50_001)], "inboundNatRules": [Self.range("n", more: Self.pool)]])
        await world.refuse("PublicIPAndLBSkuDoNotMatch", 400, .put, Self.path, Self.balancer(address: "basic"))
        await world.refuse("InvalidResourceReference", 400, .put, Self.path, Self.balancer(address: "none"))
        try await world.ask(.put, Self.path, Self.balancer())
        await world.refuse("PublicIPAddressInUse", 400, .put, "loadBalancers/other", Self.balancer())
        await world.refuse("PublicIPAddressInUse", 400, .put, "networkInterfaces/n", NetworkWorld.interface(NetworkWorld.configuration(publicAddress: "p")))
        await world.refuse(
            "InvalidResourceReference", 400, .put, "networkInterfaces/n",
            NetworkWorld.interface(NetworkWorld.configuration(more: ["loadBalancerBackendAddressPools": [Self.part("backendAddressPools/none")]])))
        world.authorizer.forbid("Microsoft.Network/loadBalancers/backendAddressPools/join/action")
        await world.refuse(
            "LinkedAuthorizationFailed", 403, .put, "networkInterfaces/n",
            NetworkWorld.interface(NetworkWorld.configuration(more: ["loadBalancerBackendAddressPools": [Self.pool]])))
    }
}

extension LoadBalancerTests {
    private static func range(_ name: String, _ first: String = "50000", _ last: String = "50001", more pool: JSONValue) -> JSONValue {
        range(name, first, last, ["backendAddressPool": pool])
    }

    private static func rule(_ more: [String: JSONValue]) -> JSONValue { rule("r", port: 80, more) }

    /// Without ETags, which are new at every write.
    private static func withoutTags(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members): .object(members.filter { $0.key != "etag" }.mapValues(withoutTags))
        case .array(let elements): .array(elements.map(withoutTags))
        default: value
        }
    }
}
