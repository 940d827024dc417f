import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferNetwork

@Suite("Network interfaces of machines")
struct MachineInterfaceTests {
    let world = NetworkWorld()
    private let first = NetworkWorld.resourceID("networkInterfaces/n1")
    private let second = NetworkWorld.resourceID("networkInterfaces/n2")
    private let machine = NetworkWorld.machine("m1")

    private var interfaces: any NetworkInterfaces { world.services.interfaces }

    private func expect(_ code: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> Void) async {
        let error = await #expect(throws: APIError.self, sourceLocation: sourceLocation) { try await body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }

    private func makeTwo() async throws {
        try await world.makeInterface()
        try await world.ask(.put, "networkInterfaces/n2", NetworkWorld.interface(NetworkWorld.configuration()))
    }

    @Test("The plan says with what a machine is started")
    func plan() async throws {
        try await makeTwo()
        let plan = try await interfaces.plan(of: first)
        #expect(plan.id == first && plan.privateAddress == "10.0.0.4" && plan.subnet == "10.0.0.0/24" && plan.publicAddress == "127.42.0.4")
        #expect(plan.openPorts == [OpenPort(.tcp, 22)])
        let shown = try await world.ask(.get, "networkInterfaces/n1").properties["macAddress"]?.string
        #expect(plan.macAddress == shown?.lowercased().replacing("-", with: ":"))
        let inner = try await interfaces.plan(of: second)
        #expect(inner.publicAddress == nil && inner.openPorts == [] && inner.privateAddress == "10.0.0.5")
        await expect("ResourceNotFound") { _ = try await interfaces.plan(of: NetworkWorld.resourceID("networkInterfaces/none")) }
    }

    @Test("The plan says what the groups in the way allow within the virtual network")
    func filter() async throws {
        try await makeTwo()
        let plan = try await interfaces.plan(of: first)
        #expect(plan.virtualNetwork == NetworkWorld.resourceID("virtualNetworks/v1") && plan.addressSpace == ["10.0.0.0/16"])
        #expect(plan.filter.inbound.count == 1 && plan.filter.outbound.count == 1)
        let inbound = try #require(plan.filter.inbound.first)
        // The group's own rule, then AllowVnetInBound and DenyAllInBound; the one of Azure's load balancer fits nothing here.
        #expect(inbound.map(\.allows) == [true, true, false])
        #expect(inbound.first?.destinationPorts == [22...22] && inbound.first?.transport == .tcp)
        #expect(inbound[1].sources == ["10.0.0.0/16"] && inbound[1].destinations == ["10.0.0.0/16"])
        #expect(plan.filter.outbound.first?.map(\.allows) == [true, false])
        // Without a group everything may pass.
        #expect(try await interfaces.plan(of: second).filter == InterfaceFilter())
    }

    @Test("Interfaces become a machine's all or none, and are freed")
    func attaching() async throws {
        try await makeTwo()
        let none = NetworkWorld.resourceID("networkInterfaces/none")
        await expect("InvalidResourceReference") { try await interfaces.attach([first, none], to: machine, in: "uksouth") }
        await expect("InvalidResourceReference") { try await interfaces.attach([first], to: machine, in: "ukwest") }
        #expect(try await world.ask(.get, "networkInterfaces/n1").properties["virtualMachine"] == nil)
        for _ in 1...2 { try await interfaces.attach([first, second], to: machine, in: "UK South") }
        let shown = try await world.ask(.get, "networkInterfaces/n1")
        #expect(shown.properties["virtualMachine"] == ["id": .string(machine.text)] && shown.properties["primary"] == true)
        #expect(try await world.ask(.get, "networkInterfaces/n2").properties["primary"] == false)
        await expect("NicInUse") { try await interfaces.attach([second], to: NetworkWorld.machine("m2"), in: "uksouth") }
        await world.refuse("NicInUse", 400, .delete, "networkInterfaces/n1")
        // A change of the interface leaves it the machine's.
        #expect(try await world.ask(.put, "networkInterfaces/n1", shown.body).properties["virtualMachine"] == ["id": .string(machine.text)])
        try await interfaces.detach(allOf: machine, keeping: [first])
        #expect(try await world.ask(.get, "networkInterfaces/n2").properties["virtualMachine"] == nil)
        try await interfaces.attach([second, first], to: machine, in: "uksouth")
        #expect(try await world.ask(.get, "networkInterfaces/n1").properties["primary"] == false)
        try await interfaces.detach(allOf: machine, keeping: [])
        try await interfaces.detach(allOf: machine, keeping: [])
        #expect(try await world.ask(.delete, "networkInterfaces/n1").status == 200)
    }

    @Test("A deleted machine takes its interface along, and the addresses that were to go with it", arguments: [true, false])
    func removing(_ isSaidByTheInterface: Bool) async throws {
        try await world.makeInterface()
        try await world.ask(.put, "publicIPAddresses/p2", NetworkWorld.publicAddress(more: isSaidByTheInterface ? [:] : ["deleteOption": "delete"]))
        var address: [String: JSONValue] = ["id": .string(NetworkWorld.id("publicIPAddresses/p2"))]
        if isSaidByTheInterface { address["properties"] = ["deleteOption": "Delete"] }
        try await world.ask(
            .put, "networkInterfaces/n1",
            NetworkWorld.interface(NetworkWorld.configuration(publicAddress: "p1"), NetworkWorld.configuration("two", more: ["publicIPAddress": .object(address)])))
        try await interfaces.attach([first], to: machine, in: "uksouth")
        try await interfaces.remove(first)
        #expect(world.forgottenNames == ["n1", "p2"])
        try await interfaces.remove(first)
        await world.refuse("ResourceNotFound", 404, .get, "networkInterfaces/n1")
        await world.refuse("ResourceNotFound", 404, .get, "publicIPAddresses/p2")
        #expect(try await world.ask(.delete, "publicIPAddresses/p1").status == 200)
        #expect(try await world.ask(.delete, "virtualNetworks/v1").status == 200)
        try await interfaces.detach(allOf: machine, keeping: [])
    }

    // MARK: Interfaces made with machines

    private static func configuration(subnet: String = "virtualNetworks/v1/subnets/s1", more: [String: JSONValue] = [:]) -> JSONValue {
        var properties: [String: JSONValue] = [
            "subnet": ["id": .string(NetworkWorld.id(subnet))],
            "publicipaddressconfiguration": ["name": "public", "sku": ["name": "Standard"], "properties": ["dnsSettings": ["domainNameLabel": "label"]]],
        ]
        properties.merge(more) { $1 }
        return ["name": "nic", "properties": ["primary": "true", "ipConfigurations": [["name": "ip", "properties": .object(properties)]]]]
    }

    private func grant() async throws -> Grant {
        try await AllowEverything().grant(.management("Microsoft.Compute/*"), to: NetworkWorld.caller, on: machine)
    }

    @Test("An interface that is made with a machine is a resource with an address, and goes with it")
    func making() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let planned = try #require(try interfaces.planned([Self.configuration()], for: machine).first)
        #expect(planned.isPrimary == true && planned.id.isType("Microsoft.Network/networkInterfaces") && planned.id.name.hasPrefix("nic-"))
        try await interfaces.make(planned, in: "uksouth", by: grant())
        try await interfaces.attach([planned.id], to: machine, in: "uksouth")
        let plan = try await interfaces.plan(of: planned.id)
        #expect(plan.privateAddress == "10.0.0.4" && plan.publicAddress == "127.42.0.4")
        #expect(try await world.ask(.get, "networkInterfaces").body["value"]?.array?.count == 1)
        try await interfaces.detach(allOf: machine, keeping: [])
        try await interfaces.remove(planned.id)
        #expect(try await world.ask(.get, "publicIPAddresses").body["value"] == [])
        #expect(try await world.ask(.delete, "virtualNetworks/v1").status == 200)
    }

    @Test("Those of an instance lie below it, hold their subnet and have names of their own")
    func makingOfInstances() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let set = NetworkWorld.machine("none").parent.flatMap { ResourceID("\($0.text)/providers/Microsoft.Compute/virtualMachineScaleSets/ss") }
        let set1 = try #require(set)
        for number in ["0", "1"] {
            let instance = try #require(set1.child("virtualMachines", number))
            let planned = try #require(try interfaces.planned([Self.configuration()], for: instance).first)
            #expect(planned.id == instance.child("networkInterfaces", "nic"))
            try await interfaces.make(planned, in: "uksouth", by: grant())
            try await interfaces.attach([planned.id], to: instance, in: "uksouth")
        }
        #expect(try await world.ask(.get, "networkInterfaces").body["value"] == [])
        let addresses = try await interfaces.documents(of: .publicAddresses, below: set1)
        #expect(addresses.compactMap { $0["properties"]?["ipAddress"]?.string } == ["127.42.0.4", "127.42.0.5"])
        #expect(addresses.last?["properties"]?["dnsSettings"]?["domainNameLabel"] == "vm1-label")
        #expect(try await interfaces.documents(of: .interfaces, below: set1).count == 2)
        await world.refuse("InUseSubnetCannotBeDeleted", 400, .delete, "virtualNetworks/v1")
        await world.refuse("InUseSubnetCannotBeUpdated", 400, .put, "virtualNetworks/v1", NetworkWorld.virtualNetwork(subnets: ["s1": "10.0.9.0/24"]))
    }

    @Test("What cannot be made leaves nothing: a subnet that is not there, a pool, no name")
    func makingFails() async throws {
        try await world.ask(.put, "virtualNetworks/v1", NetworkWorld.virtualNetwork())
        let pools: JSONValue = [["id": .string(NetworkWorld.id("loadBalancers/l/backendAddressPools/p"))]]
        for configuration in [
            Self.configuration(subnet: "virtualNetworks/v1/subnets/none"), Self.configuration(more: ["loadBalancerBackendAddressPools": pools]),
            Self.configuration(more: ["loadBalancerInboundNatPools": pools]),
        ] {
            let planned = try #require(try interfaces.planned([configuration], for: machine).first)
            await #expect(throws: APIError.self) { try await interfaces.make(planned, in: "uksouth", by: grant()) }
        }
        #expect(try await world.ask(.get, "publicIPAddresses").body["value"] == [])
        for value: JSONValue in [[:], 5, ["name": "a/b"], ["name": "n", "properties": ["ipConfigurations": [["properties": ["publicIPAddressConfiguration": [:]]]]]]] {
            #expect(throws: APIError.self) { try interfaces.planned([value], for: machine) }
        }
    }

    // MARK: Open ports

    /// The ports that rules let in at an address of the private address 10.0.0.4.
    private func ports(_ groups: [[JSONValue]], isBasic: Bool = false) throws -> [OpenPort] {
        let rules = try groups.map { group in
            try group.map { rule in
                let properties = try #require(rule["properties"]?.object)
                return try SecurityRule(stored: NetworkChild(name: rule["name"]?.string ?? "", properties: properties), of: first)
            }
        }
        return OpenPorts(groups: rules, privateAddress: IPAddress(10, 0, 0, 4), isOpenWithoutGroup: isBasic).list
    }

    @Test("Without a group an address of the sku Basic is open and one of Standard is not")
    func noGroup() throws {
        #expect(try ports([]) == [])
        #expect(try ports([], isBasic: true) == [22, 80, 443, 3389].map { OpenPort(.tcp, $0) })
        #expect(try ports([[]], isBasic: true) == [])
    }

    @Test("Rules are tried in order of priority, and both groups must let in")
    func order() throws {
        let all = NetworkWorld.rule("all", 200, port: "20-25", transport: "*")
        let deny = NetworkWorld.rule("deny", 100, port: "23", access: "Deny")
        #expect(try ports([[all]]).count == 12)
        #expect(try ports([[all, deny]]).filter { $0.number == 23 } == [OpenPort(.udp, 23)])
        #expect(try ports([[all, NetworkWorld.rule("late", 300, port: "*", access: "Deny", transport: "*")]]).count == 12)
        #expect(try ports([[all], [NetworkWorld.rule("ssh", 500)]]) == [OpenPort(.tcp, 22)])
        #expect(try ports([[all], []]) == [])
        let sorted = try ports([[NetworkWorld.rule("b", 300, port: "80"), NetworkWorld.rule("a", 200, port: "443")]])
        #expect(sorted == [OpenPort(.tcp, 443), OpenPort(.tcp, 80)])
    }

    @Test("Only rules about packets from the host to the interface count")
    func sources() throws {
        for source in ["*", "Internet", "0.0.0.0/0", "127.0.0.1", "127.0.0.0/8"] { #expect(try ports([[NetworkWorld.rule("r", 100, from: source)]]).count == 1, "\(source)") }
        for source in ["VirtualNetwork", "AzureLoadBalancer", "10.0.0.0/8", "203.0.113.5", "::/0"] {
            #expect(try ports([[NetworkWorld.rule("r", 100, from: source)]]).isEmpty, "\(source)")
        }
        for destination in ["*", "VirtualNetwork", "10.0.0.4", "10.0.0.0/24"] { #expect(try ports([[NetworkWorld.rule("r", 100, to: destination)]]).count == 1, "\(destination)") }
        for destination in ["10.0.0.5", "Internet"] { #expect(try ports([[NetworkWorld.rule("r", 100, to: destination)]]).isEmpty, "\(destination)") }
        #expect(try ports([[NetworkWorld.rule("r", 100, direction: "Outbound")]]).isEmpty)
        #expect(try ports([[NetworkWorld.rule("r", 100, transport: "Icmp")]]).isEmpty)
        #expect(try ports([[NetworkWorld.rule("r", 200), NetworkWorld.rule("d", 100, access: "Deny", from: "10.0.0.0/8")]]).count == 1)
    }

    @Test("Wide ranges stand for the well-known ports among them, and no more than 64 are told")
    func wide() throws {
        #expect(try ports([[NetworkWorld.rule("r", 100, port: "*", transport: "*")]]) == [22, 80, 443, 3389].map { OpenPort(.tcp, $0) })
        #expect(try ports([[NetworkWorld.rule("r", 100, port: "50-500")]]) == [80, 443].map { OpenPort(.tcp, $0) })
        #expect(try ports([[NetworkWorld.rule("r", 100, port: "8000-8063")]]).count == 64)
        #expect(try ports([[NetworkWorld.rule("r", 100, port: "8000-8063", transport: "*"), NetworkWorld.rule("ssh", 101)]]).count == 64)
        #expect(try ports([[NetworkWorld.rule("r", 100, port: "0-1")]]) == [OpenPort(.tcp, 1)])
    }
}
