import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferNetwork

@Suite("Network interfaces")
struct NetworkInterfaceTests {
    let world = NetworkWorld()

    @Test("An interface is made, shown, sent back as it was, and deleted")
    func life() async throws {
        try await world.makeInterface()
        let made = try await world.ask(.get, "networkInterfaces/n1")
        #expect(made.properties["macAddress"]?.string?.wholeMatch(of: /00-0D-3A(-[0-9A-F]{2}){3}/) != nil)
        #expect(made.configuration["privateIPAddress"] == "10.0.0.4" && made.configuration["primary"] == true)
        #expect(made.configuration["privateIPAllocationMethod"] == "Dynamic" && made.configuration["privateIPAddressVersion"] == "IPv4")
        #expect(made.configuration["publicIPAddress"] == ["id": .string(NetworkWorld.id("publicIPAddresses/p1"))])
        #expect(made.properties["virtualMachine"] == nil && made.properties["enableIPForwarding"] == false)
        let again = try await world.ask(.put, "networkInterfaces/n1", made.body)
        #expect(again.status == 200 && again.properties["macAddress"] == made.properties["macAddress"] && again.configuration == made.configuration)
        let id = "networkInterfaces/n1/ipConfigurations/ipconfig1"
        #expect(try await world.ask(.get, id).body["id"]?.string == NetworkWorld.id(id))
        #expect(try await world.ask(.get, "networkInterfaces/n1/ipConfigurations").body["value"]?.array?.count == 1)
        await world.refuse("MethodNotAllowed", 405, .put, id, NetworkWorld.configuration())
        #expect(try await world.ask(.delete, "networkInterfaces/n1").status == 200)
        for rest in ["publicIPAddresses/p1", "virtualNetworks/v1", "networkSecurityGroups/g1"] {
            #expect(try await world.ask(.delete, rest).status == 200)
        }
        #expect(try await world.store.read { try $0.documents(in: NetworkClaim.collection, prefix: "", after: nil, limit: 10).isEmpty })
    }

    @Test("Dynamic addresses are the lowest free ones, and stay; static ones are those asked for")
    func addresses() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: ["s1": "10.0.0.0/29", "s2": "10.0.1.0/24"]))
        func make(_ name: String, _ address: String? = nil, subnet: String = "s1") async throws -> JSONValue? {
            let subnet = NetworkWorld.id("virtualNetworks/v1/subnets/\(subnet)")
            return try await world.ask(.put, "networkInterfaces/\(name)", NetworkWorld.interface(NetworkWorld.configuration(subnet: subnet, address: address)))
                .configuration["privateIPAddress"]
        }
        #expect(try await make("a", "10.0.0.5") == "10.0.0.5")
        #expect(try await make("b") == "10.0.0.4")
        #expect(try await make("c") == "10.0.0.6")
        await world.refuse("SubnetIsFull", 400, .put, "networkInterfaces/d", NetworkWorld.interface(NetworkWorld.configuration()))
        #expect(try await make("a") == "10.0.0.5")
        try await world.ask(.delete, "networkInterfaces/b")
        #expect(try await make("d") == "10.0.0.4")
        #expect(try await make("d", subnet: "s2") == "10.0.1.4")
        #expect(try await make("b", "10.0.0.4") == "10.0.0.4")
        for (code, address) in [
            ("PrivateIPAddressIsAllocated", "10.0.0.5"), ("PrivateIPAddressNotInSubnet", "10.0.1.9"), ("PrivateIPAddressInReservedRange", "10.0.0.3"),
            ("PrivateIPAddressInReservedRange", "10.0.0.7"), ("InvalidIPAddressFormat", "10.0.0"), ("InvalidIPAddressFormat", "fd00::4"),
        ] {
            await world.refuse(code, 400, .put, "networkInterfaces/e", NetworkWorld.interface(NetworkWorld.configuration(address: address)))
        }
    }

    @Test("Many at once get different private addresses")
    func race() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let world = world
        let addresses = try await withThrowingTaskGroup(of: String?.self) { tasks in
            for number in 0..<20 {
                tasks.addTask {
                    try await world.ask(.put, "networkInterfaces/n\(number)", NetworkWorld.interface(NetworkWorld.configuration()))
                        .configuration["privateIPAddress"]?.string
                }
            }
            return try await tasks.reduce(into: Set<String>()) { found, address in address.map { _ = found.insert($0) } }
        }
        #expect(addresses == Set((4..<24).map { "10.0.0.\($0)" }))
    }

    @Test("Several configurations, also of IPv6, are in one virtual network, and one is the primary")
    func configurations() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.resource([
            "addressSpace": ["addressPrefixes": ["10.0.0.0/16", "fd00::/48"]],
            "subnets": [["name": "s1", "properties": ["addressPrefixes": ["10.0.0.0/24", "fd00::/64"]]]],
        ]))
        try await world.ask(.put, "virtualNetworks/v2", NetworkWorld.virtualNetwork(["10.9.0.0/16"], subnets: ["s1": "10.9.0.0/24"]))
        let other = NetworkWorld.id("virtualNetworks/v2/subnets/s1")
        let six = NetworkWorld.configuration("six", more: ["privateIPAddressVersion": "ipv6"])
        let made = try await world.ask(
            .put, "networkInterfaces/n1",
            NetworkWorld.interface(NetworkWorld.configuration("one"), NetworkWorld.configuration("two", more: ["primary": true]), six))
        let shown = try #require(made.properties["ipConfigurations"]?.array)
        #expect(shown.compactMap { $0["properties"]?["privateIPAddress"]?.string } == ["10.0.0.4", "10.0.0.5", "fd00::4"])
        #expect(shown.compactMap { $0["properties"]?["primary"]?.bool } == [false, true, false])
        // Two configurations change their addresses in one request.
        let swapped = try await world.ask(
            .put, "networkInterfaces/n1",
            NetworkWorld.interface(NetworkWorld.configuration("one", address: "10.0.0.5"), NetworkWorld.configuration("two", address: "10.0.0.4")))
        #expect(swapped.properties["ipConfigurations"]?.array?.compactMap { $0["properties"]?["privateIPAddress"]?.string } == ["10.0.0.5", "10.0.0.4"])
        func refuse(_ code: String, _ body: JSONValue, _ name: String = "n2") async { await world.refuse(code, 400, .put, "networkInterfaces/\(name)", body) }
        await refuse("SubnetsNotInSameVnet", NetworkWorld.interface(NetworkWorld.configuration("one"), NetworkWorld.configuration("two", subnet: other)))
        await refuse("SubnetsNotInSameVnet", NetworkWorld.interface(NetworkWorld.configuration("one", subnet: other)), "n1")
        await refuse("InvalidRequestFormat", NetworkWorld.interface())
        await refuse("InvalidRequestFormat", NetworkWorld.interface(six))
        await refuse("InvalidRequestFormat", NetworkWorld.interface(["name": "x", "properties": [:]]))
        await refuse("InvalidRequestFormat", NetworkWorld.interface(
            NetworkWorld.configuration("one", more: ["primary": true]), NetworkWorld.configuration("two", more: ["primary": true])))
        await refuse("PrivateIPAddressIsAllocated", NetworkWorld.interface(
            NetworkWorld.configuration("one", address: "10.0.0.9"), NetworkWorld.configuration("two", address: "10.0.0.9")))
        await refuse("NotSupported", NetworkWorld.interface(NetworkWorld.configuration(more: ["applicationGatewayBackendAddressPools": [["id": "/x"]]])))
    }

    @Test("What an interface names must be there, of the right type, in its region and subscription")
    func references() async throws {
        try await world.makeInterface()
        func refuse(_ code: String, subnet: String) async {
            await world.refuse(code, 400, .put, "networkInterfaces/n2", NetworkWorld.interface(NetworkWorld.configuration(subnet: subnet)))
        }
        await refuse("InvalidResourceReference", subnet: NetworkWorld.id("virtualNetworks/v1/subnets/none"))
        await refuse("InvalidResourceReference", subnet: NetworkWorld.id("virtualNetworks/none/subnets/s1"))
        await refuse("InvalidResourceReference", subnet: NetworkWorld.id("virtualNetworks/v1/subnets/s1").replacing(NetworkWorld.subscription, with: "other"))
        await refuse("LinkedInvalidPropertyId", subnet: NetworkWorld.id("virtualNetworks/v1"))
        await refuse("LinkedInvalidPropertyId", subnet: "s1")
        await refuse("LinkedInvalidPropertyId", subnet: NetworkWorld.id("networkInterfaces/n1/providers/Microsoft.Network/virtualNetworks/v1/subnets/s1"))
        await refuse("LinkedInvalidPropertyId", subnet: "/subscriptions/\(NetworkWorld.subscription)/providers/Microsoft.Network/virtualNetworks/v1/subnets/s1")
        await refuse("LinkedInvalidPropertyId", subnet: "")
        try await world.ask(.put, "publicIPAddresses/far", NetworkWorld.resource([:], location: "ukwest"))
        await world.refuse("InvalidResourceReference", 400, .put, "networkInterfaces/n2", NetworkWorld.interface(NetworkWorld.configuration(publicAddress: "far")))
    }

    @Test("Using what is another's needs its permission, once", arguments: [
        "virtualNetworks/subnets/join/action", "networkSecurityGroups/join/action", "publicIPAddresses/join/action",
    ])
    func permission(_ action: String) async throws {
        try await world.makeInterface()
        let made = try await world.ask(.get, "networkInterfaces/n1")
        try await world.ask(.delete, "networkInterfaces/n1")
        world.authorizer.forbid("Microsoft.Network/\(action)")
        await world.refuse("LinkedAuthorizationFailed", 403, .put, "networkInterfaces/n1", made.body)
        await world.refuse("ResourceNotFound", 404, .get, "networkInterfaces/n1")
        if action.hasPrefix("networkSecurityGroups") {
            let body: JSONValue = ["properties": ["addressPrefix": "10.0.9.0/24", "networkSecurityGroup": ["id": .string(NetworkWorld.id("networkSecurityGroups/g1"))]]]
            await world.refuse("LinkedAuthorizationFailed", 403, .put, "virtualNetworks/v1/subnets/s9", body)
        }
    }

    @Test("What is used already needs no permission to stay")
    func permissionToStay() async throws {
        try await world.makeInterface()
        for action in ["virtualNetworks/subnets", "networkSecurityGroups", "publicIPAddresses"] { world.authorizer.forbid("Microsoft.Network/\(action)/join/action") }
        #expect(try await world.ask(.put, "networkInterfaces/n1", world.ask(.get, "networkInterfaces/n1").body).status == 200)
    }
}
