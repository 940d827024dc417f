import CofferModel
import CofferPlatform
import Testing

@testable import CofferNetwork

@Suite("Public IP addresses")
struct PublicAddressTests {
    @Test("Each gets an address of the loopback network of its own, which it keeps")
    func addresses() async throws {
        let world = NetworkWorld()
        let first = try await world.ask(.put, "publicIPAddresses/p1", NetworkWorld.publicAddress())
        #expect(first.status == 201 && first.properties["ipAddress"] == "127.42.0.4" && first.body["sku"] == ["name": "Standard", "tier": "Regional"])
        #expect(first.properties["publicIPAllocationMethod"] == "Static" && first.properties["idleTimeoutInMinutes"] == 4)
        let second = try await world.ask(.put, "publicIPAddresses/p2", NetworkWorld.publicAddress(sku: "basic", method: "dynamic"))
        #expect(second.properties["ipAddress"] == "127.42.0.5" && second.properties["publicIPAllocationMethod"] == "Dynamic")
        #expect(try await world.ask(.put, "publicIPAddresses/p1", first.body).properties["ipAddress"] == "127.42.0.4")
        try await world.ask(.delete, "publicIPAddresses/p1")
        #expect(try await world.ask(.put, "publicIPAddresses/p3", NetworkWorld.publicAddress()).properties["ipAddress"] == "127.42.0.4")
    }

    @Test("When all addresses are in use the next one is refused")
    func usedUp() async throws {
        let world = NetworkWorld(publicNetwork: try #require(PublicNetwork("127.9.0.0/29")))
        for number in 1...3 { try await world.ask(.put, "publicIPAddresses/p\(number)", NetworkWorld.publicAddress()) }
        await world.refuse("PublicIPCountLimitReached", 409, .put, "publicIPAddresses/p4", NetworkWorld.publicAddress())
        #expect(try await world.ask(.get, "publicIPAddresses").body["value"]?.array?.compactMap { $0["properties"]?["ipAddress"]?.string } == ["127.9.0.4", "127.9.0.5", "127.9.0.6"])
    }

    @Test("Only a part of the loopback network can be public", arguments: ["127.0.0.0/8", "127.0.0.0/7", "10.0.0.0/16", "127.9.0.1/16", "127.9.0.0/30", "::1/128", "127.9.0.0", ""])
    func otherNetworks(_ text: String) {
        #expect(PublicNetwork(text) == nil)
    }

    @Test("Many at once get different addresses")
    func race() async throws {
        let world = NetworkWorld()
        let addresses = try await withThrowingTaskGroup(of: String?.self) { tasks in
            for number in 0..<20 {
                tasks.addTask { try await world.ask(.put, "publicIPAddresses/p\(number)", NetworkWorld.publicAddress()).properties["ipAddress"]?.string }
            }
            return try await tasks.reduce(into: Set<String>()) { found, address in address.map { _ = found.insert($0) } }
        }
        #expect(addresses.count == 20)
    }

    @Test("A label makes a name that is unique in its region")
    func names() async throws {
        let world = NetworkWorld()
        let label: JSONValue = ["domainNameLabel": "web-1"]
        let made = try await world.ask(.put, "publicIPAddresses/p1", NetworkWorld.publicAddress(more: ["dnsSettings": label]))
        #expect(made.properties["dnsSettings"]?["fqdn"] == "web-1.uksouth.cloudapp.localhost")
        await world.refuse("DnsRecordInUse", 400, .put, "publicIPAddresses/p2", NetworkWorld.publicAddress(more: ["dnsSettings": label]))
        for bad in ["a", "1a-b", "web_1", "Web1", "web-"] {
            await world.refuse("InvalidDomainNameLabel", 400, .put, "publicIPAddresses/p2", NetworkWorld.publicAddress(more: ["dnsSettings": ["domainNameLabel": .string(bad)]]))
        }
        #expect(try await world.ask(.put, "publicIPAddresses/p1", NetworkWorld.publicAddress()).properties["dnsSettings"] == nil)
        try await world.ask(.put, "publicIPAddresses/p2", NetworkWorld.publicAddress(more: ["dnsSettings": label]))
    }

    @Test("SKU, method and version are checked")
    func checks() async throws {
        let world = NetworkWorld()
        await world.refuse("InvalidRequestFormat", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(sku: "Standard", method: "Dynamic"))
        await world.refuse("InvalidRequestFormat", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(sku: "Premium"))
        await world.refuse("InvalidRequestFormat", 400, .put, "publicIPAddresses/p", NetworkWorld.resource([:], more: ["sku": "Standard"]))
        await world.refuse("NotSupported", 400, .put, "publicIPAddresses/p", NetworkWorld.resource([:], more: ["sku": ["name": "Standard", "tier": "Global"]]))
        await world.refuse("InvalidRequestFormat", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(method: "Random"))
        await world.refuse("InvalidRequestFormat", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(more: ["idleTimeoutInMinutes": 31]))
        await world.refuse("NotSupported", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(more: ["publicIPAddressVersion": "IPv6"]))
        await world.refuse("NotSupported", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(more: ["publicIPPrefix": ["id": "/x"]]))
        #expect(try await world.ask(.put, "publicIPAddresses/p", ["location": "uksouth"]).body["sku"]?["name"] == "Basic")
        #expect(try await world.ask(.put, "publicIPAddresses/p", NetworkWorld.publicAddress()).body["sku"]?["name"] == "Standard")
        await world.refuse("PropertyChangeNotAllowed", 400, .put, "publicIPAddresses/p", NetworkWorld.publicAddress(sku: "Basic"))
    }

    @Test("An address shows its user, has one at most, and stays as long as it has it")
    func inUse() async throws {
        let world = NetworkWorld()
        try await world.makeInterface()
        let user = NetworkWorld.id("networkInterfaces/n1/ipConfigurations/ipconfig1")
        #expect(try await world.ask(.get, "publicIPAddresses/p1").properties["ipConfiguration"] == ["id": .string(user)])
        await world.refuse("PublicIPAddressCannotBeDeleted", 400, .delete, "publicIPAddresses/p1")
        await world.refuse("PublicIPAddressInUse", 400, .put, "networkInterfaces/n2", NetworkWorld.interface(NetworkWorld.configuration(publicAddress: "p1")))
        await world.refuse(
            "PublicIPAddressInUse", 400, .put, "networkInterfaces/n1",
            NetworkWorld.interface(NetworkWorld.configuration(publicAddress: "p1"), NetworkWorld.configuration("two", publicAddress: "p1")))
        try await world.ask(.put, "networkInterfaces/n1", NetworkWorld.interface(NetworkWorld.configuration()))
        #expect(try await world.ask(.get, "publicIPAddresses/p1").properties["ipConfiguration"] == nil)
        #expect(try await world.ask(.delete, "publicIPAddresses/p1").status == 200)
    }
}
