import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("What guests are told")
struct MetadataTests {
    let world = World()

    private func make(_ services: ComputeServices, _ name: String, identity: JSONValue = nil) async throws -> JSONValue {
        let interface = "/subscriptions/\(World.subscription)/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nic-\(name)"
        return try await world.arm(services, .put, "virtualMachines/\(name)", [
            "location": "uksouth", "tags": ["role": "db"], "identity": identity,
            "properties": [
                "hardwareProfile": ["vmSize": "Standard_B1s"],
                "storageProfile": [
                    "imageReference": ["publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
                    "osDisk": ["name": .string("os-\(name)"), "createOption": "FromImage"],
                ],
                "osProfile": [
                    "computerName": .string(name), "adminUsername": "ada",
                    "linuxConfiguration": ["ssh": ["publicKeys": [["keyData": "ssh-ed25519 AAAA", "path": "/home/ada/.ssh/authorized_keys"]]]],
                ],
                "userData": "aGVsbG8=", "networkProfile": ["networkInterfaces": [["id": .string(interface)]]],
            ],
        ]).body
    }

    private func ask(
        _ machine: JSONValue, _ path: String, _ query: [(String, String)] = [("api-version", "2021-02-01")],
        headers: [String: String] = ["metadata": "true"]
    ) async throws -> (status: Int, text: String, json: JSONValue?) {
        let place = "/data/run/vm/\(machine["properties"]?["vmId"]?.string ?? "")/metadata.sock"
        let handler = try #require(world.listener.handler(at: place))
        let answer = try await handler.handle(APIRequest(
            method: .get, host: "169.254.169.254", path: path.split(separator: "/").map(String.init), query: query.map { (name: $0.0, value: $0.1) },
            headers: headers, body: [], address: "", requestID: "r", received: world.clock.now()))
        return (answer.status, String(decoding: answer.body, as: UTF8.self), try? JSON.decode(JSONValue.self, from: answer.body))
    }

    @Test("A guest is told what it is, as a document or a part of it")
    func instance() async throws {
        let services = world.start()
        let machine = try await make(services, "vm1")
        let document = try #require(try await ask(machine, "metadata/instance").json)
        #expect(document["compute"]?["osProfile"]?["adminUsername"] == "ada")
        #expect(document["compute"]?["publicKeys"]?.array?.first?["keyData"] == "ssh-ed25519 AAAA")
        #expect(document["compute"]?["userData"] == "aGVsbG8=")
        #expect(document["compute"]?["tags"] == "role:db")
        #expect(document["network"]?["interface"]?.array?.first?["macAddress"] == "000D3A000001")
        #expect(try await ask(machine, "metadata/instance/compute/vmSize").text == "Standard_B1s")
        #expect(try await ask(machine, "metadata/instance/network/interface/0/ipv4/ipAddress/0/privateIpAddress").text == "10.0.0.4")
        #expect(try await ask(machine, "metadata/instance/network/interface/7").status == 404)
        #expect(try await ask(machine, "coffer/provision").json?["certificateAuthority"] == "PEM")
    }

    @Test("Only whoever can set the header is answered, and nobody through a proxy")
    func headers() async throws {
        let machine = try await make(world.start(), "vm1")
        #expect(try await ask(machine, "metadata/instance", headers: [:]).status == 400)
        #expect(try await ask(machine, "metadata/instance", headers: ["metadata": "true", "x-forwarded-for": "10.0.0.9"]).status == 400)
        #expect(try await ask(machine, "metadata/instance", []).status == 400)
        #expect(try await ask(machine, "metadata/identity/oauth2/token", headers: [:]).status == 400)
    }

    @Test("Each machine gets tokens of its own identities, whatever it says it is")
    func tokens() async throws {
        let services = world.start()
        let one = try await make(services, "vm1", identity: ["type": "SystemAssigned"])
        let two = try await make(services, "vm2", identity: ["type": "SystemAssigned"])
        let none = try await make(services, "vm3")
        let principal = try #require(one["identity"]?["principalId"]?.string)
        let other = try #require(two["identity"]?["principalId"]?.string)
        #expect(principal != other)
        let query = [("api-version", "2018-02-01"), ("resource", "https://vault.azure.net")]
        let token = try await ask(one, "metadata/identity/oauth2/token", query)
        #expect(token.json?["access_token"] == .string("\(principal) for https://vault.azure.net"))
        #expect(token.json?["expires_in"] == "3599")
        #expect(try await ask(one, "metadata/identity/oauth2/token", query + [("object_id", other)]).status == 400)
        #expect(try await ask(none, "metadata/identity/oauth2/token", query).status == 400)
        #expect(try await ask(one, "metadata/identity/oauth2/token", [("api-version", "2018-02-01")]).status == 400)
        #expect(try await ask(one, "metadata/identity/oauth2/token", [query[0], ("resource", "https://nothing")]).status == 400)
    }

    @Test("Of several identities one is named, and one that was deleted is none")
    func userAssigned() async throws {
        let services = world.start()
        let (first, second) = (World.identity("id1"), World.identity("id2"))
        world.identities.add(first)
        world.identities.add(second)
        let machine = try await make(services, "vm1", identity: [
            "type": "UserAssigned", "userAssignedIdentities": .object([first.text: [:], second.text: [:]]),
        ])
        #expect(machine["identity"]?["userAssignedIdentities"]?.object?.count == 2)
        let query = [("api-version", "2018-02-01"), ("resource", "https://vault.azure.net")]
        #expect(try await ask(machine, "metadata/identity/oauth2/token", query).status == 400)
        let named = try await ask(machine, "metadata/identity/oauth2/token", query + [("msi_res_id", first.text.uppercased())])
        #expect(named.status == 200)
        world.identities.remove(first)
        #expect(try await ask(machine, "metadata/identity/oauth2/token", query + [("msi_res_id", first.text)]).status == 400)
    }

    @Test("A machine that stops is answered no more, and one that is found running is again")
    func sockets() async throws {
        let services = world.start()
        let machine = try await make(services, "vm1")
        #expect(world.listener.paths.count == 1)
        await world.listener.close(at: world.listener.paths[0])
        await services.machineKeeper.keepAll()
        #expect(world.listener.paths.count == 1)
        _ = try await world.arm(services, .post, "virtualMachines/vm1/powerOff")
        #expect(world.listener.paths.isEmpty)
        #expect(machine["properties"]?["provisioningState"] == "Succeeded")
    }
}
