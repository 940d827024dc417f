import CofferModel
import CofferPlatform
import Testing

@testable import CofferNetwork

@Suite("Virtual networks and subnets")
struct VirtualNetworkTests {
    let world = NetworkWorld()

    @Test("A virtual network is made, shown, listed, tagged and deleted")
    func life() async throws {
        let made = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        #expect(made.status == 201)
        #expect(made.body["id"]?.string == NetworkWorld.id("virtualNetworks/v1") && made.body["type"] == "Microsoft.Network/virtualNetworks")
        #expect(made.body["etag"]?.string?.hasPrefix("W/\"") == true && made.properties["provisioningState"] == "Succeeded")
        #expect(made.properties["resourceGuid"]?.string?.count == 36)
        let subnet = try #require(made.properties["subnets"]?.array?.first)
        #expect(subnet["id"]?.string == NetworkWorld.id("virtualNetworks/v1/subnets/s1") && subnet["etag"] == made.body["etag"])
        #expect(subnet["properties"]?["addressPrefix"] == "10.0.0.0/24" && subnet["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await world.ask(.get, "virtualnetworks/V1").body == made.body)
        #expect(try await world.ask(.get, "virtualNetworks").body["value"]?.array == [made.body])
        #expect(try await world.ask(.get, "virtualNetworks", group: nil).body["value"]?.array == [made.body])
        #expect(try await world.ask(.get, "virtualNetworks", group: "other").body["value"] == [])
        let tagged = try await world.ask(.patch, "virtualNetworks/v1", ["tags": ["a": "b"]])
        #expect(tagged.body["tags"] == ["a": "b"] && tagged.body["etag"] != made.body["etag"])
        await world.refuse("InvalidRequestFormat", 400, .patch, "virtualNetworks/v1", ["properties": ["flowTimeoutInMinutes": 5]])
        // `az network vnet update` sends back all that it was told.
        let again = try await world.ask(.put, "virtualNetworks/v1", tagged.body)
        #expect(again.status == 200 && again.properties["resourceGuid"] == made.properties["resourceGuid"] && again.body["tags"] == ["a": "b"])
        #expect(again.properties["subnets"]?.array?.first?["properties"] == subnet["properties"])
        #expect(try await world.ask(.delete, "virtualNetworks/v1").status == 200)
        #expect(try await world.ask(.delete, "virtualNetworks/v1").status == 204)
        await world.refuse("ResourceNotFound", 404, .get, "virtualNetworks/v1")
    }

    @Test("Subnets are made, changed, listed and deleted by themselves")
    func subnets() async throws {
        await world.refuse("ParentResourceNotFound", 404, .put, "virtualNetworks/v1/subnets/s2", ["properties": ["addressPrefix": "10.0.1.0/24"]])
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let made = try await world.ask(.put, "virtualNetworks/v1/subnets/s2", ["properties": ["addressPrefix": "10.0.1.0/24"]])
        #expect(made.status == 201 && made.body["name"] == "s2" && made.body["type"] == "Microsoft.Network/virtualNetworks/subnets")
        #expect(try await world.ask(.get, "virtualNetworks/v1/subnets/S2").body == made.body)
        let changed = try await world.ask(.put, "virtualNetworks/v1/subnets/s2", ["properties": ["addressPrefixes": ["10.0.2.0/24", "10.0.3.0/24"]]])
        #expect(changed.status == 200 && changed.properties["addressPrefix"] == nil)
        #expect(try await world.ask(.get, "virtualNetworks/v1/subnets").body["value"]?.array?.compactMap { $0["name"]?.string } == ["s1", "s2"])
        #expect(try await world.ask(.delete, "virtualNetworks/v1/subnets/s2").status == 200)
        #expect(try await world.ask(.delete, "virtualNetworks/v1/subnets/s2").status == 204)
        await world.refuse("NotFound", 404, .get, "virtualNetworks/v1/subnets/s2")
    }

    @Test("A virtual network says which addresses can be had")
    func availability() async throws {
        try await world.makeInterface()
        func ask(_ address: String) async throws -> JSONValue {
            try await world.ask(.get, "virtualNetworks/v1/checkIPAddressAvailability", query: [("ipAddress", address)]).body
        }
        #expect(try await ask("10.0.0.5") == ["available": true, "availableIPAddresses": [], "isPlatformReserved": false])
        let others: JSONValue = ["10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"]
        #expect(try await ask("10.0.0.4") == ["available": false, "availableIPAddresses": others, "isPlatformReserved": false])
        #expect(try await ask("10.0.0.1") == ["available": false, "availableIPAddresses": others, "isPlatformReserved": true])
        #expect(try await ask("10.9.0.1") == ["available": false, "availableIPAddresses": [], "isPlatformReserved": false])
        await world.refuse("InvalidIPAddressFormat", 400, .get, "virtualNetworks/v1/CheckIPAddressAvailability")
        await world.refuse("ResourceNotFound", 404, .get, "virtualNetworks/none/CheckIPAddressAvailability")
    }

    @Test("A virtual network without a word of subnets leaves them, one with none takes them away")
    func subnetsLeftOut() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let kept = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: nil))
        #expect(kept.properties["subnets"]?.array?.count == 1)
        let emptied = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: [:]))
        #expect(emptied.properties["subnets"] == [])
    }

    @Test("Address prefixes are checked")
    func prefixes() async throws {
        func refuse(_ code: String, _ prefixes: [String], _ subnets: [String: String] = [:]) async {
            await world.refuse(code, 400, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(prefixes, subnets: subnets))
        }
        await refuse("InvalidRequestFormat", [])
        await refuse("InvalidAddressPrefixFormat", ["10.0.0.0"])
        await refuse("InvalidCIDRNotation", ["10.0.0.1/16"])
        await refuse("NetcfgAddressPrefixesOverlap", ["10.0.0.0/8", "10.1.0.0/16"])
        await refuse("NetcfgInvalidIPAddressPrefix", ["127.1.0.0/16"])
        await refuse("NetcfgInvalidSubnet", ["10.0.0.0/16"], ["a": "10.1.0.0/24"])
        await refuse("NetcfgInvalidSubnet", ["10.0.0.0/16"], ["a": "10.0.0.0/30"])
        await refuse("NetcfgInvalidSubnet", ["fd00::/48"], ["a": "fd00::/65"])
        await refuse("NetcfgSubnetRangesOverlap", ["10.0.0.0/16"], ["a": "10.0.0.0/24", "b": "10.0.0.128/25"])
        await refuse("InvalidCIDRNotation", ["10.0.0.0/16"], ["a": "10.0.0.9/24"])
        await world.refuse("NetcfgSubnetRangesOverlap", 400, .put, "virtualNetworks/v1", NetworkWorld.resource([
            "addressSpace": ["addressPrefixes": ["10.0.0.0/16"]],
            "subnets": [["name": "a", "properties": ["addressPrefixes": ["10.0.0.0/24", "10.0.0.128/25"]]]],
        ]))
        await refuse("InvalidResourceName", ["10.0.0.0/16"], ["a|b": "10.0.0.0/24"])
        let both = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(["10.0.0.0/16", "fd00::/48"], subnets: ["a": "fd00::/64"]))
        #expect(both.status == 201)
    }

    @Test("A subnet in use is neither deleted nor moved away from under its users")
    func subnetInUse() async throws {
        try await world.makeInterface()
        let shown = try await world.ask(.get, "virtualNetworks/v1/subnets/s1")
        #expect(shown.properties["ipConfigurations"] == [["id": .string(NetworkWorld.id("networkInterfaces/n1/ipConfigurations/ipconfig1"))]])
        for code in ["InUseSubnetCannotBeDeleted"] {
            await world.refuse(code, 400, .delete, "virtualNetworks/v1/subnets/s1")
            await world.refuse(code, 400, .delete, "virtualNetworks/v1")
            await world.refuse(code, 400, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: ["s2": "10.0.1.0/24"]))
        }
        await world.refuse("InUseSubnetCannotBeUpdated", 400, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: ["s1": "10.0.1.0/24"]))
        let grown = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: ["s1": "10.0.0.0/20"]))
        #expect(grown.status == 200)
        try await world.ask(.delete, "networkInterfaces/n1")
        #expect(try await world.ask(.delete, "virtualNetworks/v1").status == 200)
    }

    @Test("What the network does not have is refused, and what is switched off is not")
    func refused() async throws {
        let space: JSONValue = ["addressPrefixes": ["10.0.0.0/16"]]
        for (name, value) in [
            ("ddosProtectionPlan", ["id": "/x"]), ("enableDdosProtection", true), ("virtualNetworkPeerings", [["name": "p"]]), ("encryption", ["enabled": true]),
        ] as [(String, JSONValue)] {
            await world.refuse("NotSupported", 400, .put, "virtualNetworks/v1", NetworkWorld.resource(.object(["addressSpace": space, name: value])))
        }
        await world.refuse(
            "NotSupported", 400, .put, "virtualNetworks/v1",
            NetworkWorld.resource(["addressSpace": space], more: ["extendedLocation": ["name": "edge", "type": "EdgeZone"]]))
        let made = try await world.ask(
            .put, "virtualNetworks/v1",
            NetworkWorld.resource([
                "addressSpace": space, "enableDdosProtection": false, "virtualNetworkPeerings": [], "ddosProtectionPlan": nil, "flowTimeoutInMinutes": 10,
                "dhcpOptions": ["dnsServers": ["10.0.0.9"]],
            ]))
        #expect(made.properties["flowTimeoutInMinutes"] == 10 && made.properties["dhcpOptions"] == ["dnsServers": ["10.0.0.9"]])
    }

    @Test("Names of properties are read in any case, names of tags are left alone")
    func spelling() async throws {
        let made = try await world.ask(
            .put, "virtualNetworks/v1",
            ["Location": "UK South", "tags": ["Name": "a", "PROTOCOL": "b"], "properties": ["AddressSpace": ["addressprefixes": ["10.0.0.0/16"]]]])
        #expect(made.body["location"] == "uksouth" && made.properties["addressSpace"] == ["addressPrefixes": ["10.0.0.0/16"]])
        #expect(made.body["tags"] == ["Name": "a", "PROTOCOL": "b"])
        await world.refuse(
            "NotSupported", 400, .put, "virtualNetworks/v2",
            NetworkWorld.resource(["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]], "ENABLEDDOSPROTECTION": true]))
    }

    @Test("Every name that a type has in its lists is read in any case")
    func spellings() {
        func check(_ shape: NetworkShape) {
            let names = shape.told.union(shape.refused).union(shape.links.map(\.property)).union(shape.children.map(\.type))
            for name in names { #expect(PropertyNames.canonical(name.uppercased()) == name) }
            shape.children.forEach(check)
        }
        for type in world.services.provider.networkTypes { check(type.shape) }
    }

    @Test("A resource stays in its region")
    func location() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        await world.refuse(
            "InvalidResourceLocation", 409, .put, "virtualNetworks/v1",
            NetworkWorld.resource(["addressSpace": ["addressPrefixes": ["10.0.0.0/16"]]], location: "ukwest"))
        await world.refuse("LocationNotAvailableForResourceType", 400, .put, "virtualNetworks/v2", ["properties": [:]])
    }

    @Test("If-Match and If-None-Match are held")
    func preconditions() async throws {
        let made = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(), headers: ["if-none-match": "*"])
        let etag = try #require(made.body["etag"]?.string)
        await world.refuse("PreconditionFailed", 412, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(), headers: ["if-none-match": "*"])
        let changed = try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(), headers: ["if-match": etag])
        await world.refuse("PreconditionFailed", 412, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(), headers: ["if-match": etag])
        await world.refuse("PreconditionFailed", 412, .delete, "virtualNetworks/v1", headers: ["if-match": etag])
        await world.refuse("PreconditionFailed", 412, .patch, "virtualNetworks/v1", ["tags": [:]], headers: ["if-match": etag])
        #expect(try await world.ask(.delete, "virtualNetworks/v1", headers: ["if-match": #require(changed.body["etag"]?.string)]).status == 200)
    }

    @Test("What is no type, or below none, is refused")
    func unknownTypes() async throws {
        await world.refuse("InvalidResourceType", 404, .get, "natGateways/x")
        await world.refuse("InvalidResourceType", 404, .get, "virtualNetworks/v1/virtualNetworkPeerings")
        await world.refuse("InvalidResourceType", 404, .get, "virtualNetworks/v1/subnets/s1/more")
        await world.refuse("MethodNotAllowed", 405, .post, "virtualNetworks/v1")
        await world.refuse("InvalidResourceName", 400, .put, "virtualNetworks/-x", NetworkWorld.virtualNetwork())
    }

    @Test("Bodies of the wrong shape are refused", arguments: [
        [], "text", ["location": "uksouth", "properties": []], ["location": "uksouth", "properties": ["subnets": 1]],
        ["location": "uksouth", "properties": ["subnets": [1]]], ["location": "uksouth", "properties": ["subnets": [["properties": [:]]]]],
        ["location": "uksouth", "tags": ["a": 1]], ["location": "uksouth", "tags": [1]],
        ["location": "uksouth", "properties": ["addressSpace": ["addressPrefixes": [1]]]], ["location": "uksouth", "properties": ["addressSpace": "x"]],
        ["location": "uksouth", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/8"]], "subnets": [["name": "a"], ["name": "A"]]]],
        ["location": "uksouth", "properties": ["addressSpace": ["addressPrefixes": ["10.0.0.0/8"]], "subnets": [["name": "a"]]]],
    ] as [JSONValue])
    func wrongShapes(_ body: JSONValue) async throws {
        do {
            try await world.ask(.put, "virtualNetworks/v1", body)
            Issue.record("it was taken")
        } catch let refusal as NetworkRefusal {
            #expect(refusal.status == 400)
        }
        #expect(try await world.ask(.get, "virtualNetworks").body["value"] == [])
    }
}
