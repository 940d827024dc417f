import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("What guests are set up with")
struct MachineProvisioningTests {
    let world = World()

    private static let password = "Some-secret-1"

    private static func body(_ profile: [String: JSONValue], extra: [String: JSONValue] = [:]) -> JSONValue {
        let interface = "/subscriptions/\(World.subscription)/resourceGroups/rg/providers/Microsoft.Network/networkInterfaces/nic1"
        var properties: [String: JSONValue] = [
            "hardwareProfile": ["vmSize": "Standard_B1s"],
            "storageProfile": [
                "imageReference": ["publisher": "Debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
                "osDisk": ["name": "os1", "createOption": "FromImage"],
            ],
            "osProfile": .object(profile.merging(["computerName": "vm1", "adminUsername": "ada"]) { first, _ in first }),
            "networkProfile": ["networkInterfaces": [["id": .string(interface)]]],
        ]
        properties.merge(extra) { $1 }
        return ["location": "uksouth", "properties": .object(properties)]
    }

    private func ask(_ machine: JSONValue, _ method: APIRequest.Method = .get, _ path: String = "coffer/provision") async throws -> (status: Int, json: JSONValue?) {
        let place = "/data/run/vm/\(machine["properties"]?["vmId"]?.string ?? "")/metadata.sock"
        let handler = try #require(world.listener.handler(at: place))
        let answer = try await handler.handle(APIRequest(
            method: method, host: "169.254.169.254", path: path.split(separator: "/").map(String.init), query: [], headers: ["metadata": "true"],
            body: [], address: "", requestID: "r", received: world.clock.now()))
        return (answer.status, try? JSON.decode(JSONValue.self, from: answer.body))
    }

    private func put(_ services: ComputeServices, _ body: JSONValue) async throws -> JSONValue {
        try await world.arm(services, .put, "virtualMachines/vm1", body).body
    }

    @Test("A password's hash and custom data are told the guest alone, and only until it has them")
    func handingOver() async throws {
        let services = world.start()
        let made = try await put(services, Self.body(["adminPassword": .string(Self.password), "customData": "aGVsbG8="]))
        let shown = String(decoding: try JSON.encode(try await world.arm(services, .get, "virtualMachines/vm1").body), as: UTF8.self)
        #expect(!shown.contains(Self.password) && !shown.contains("aGVsbG8") && !shown.contains("$y$"))
        let record = try #require(try await world.store.read { try $0.machine(World.id("virtualMachines", "vm1")) })
        let stored = String(decoding: try JSON.encode(record), as: UTF8.self)
        #expect(!stored.contains(Self.password) && !stored.contains("aGVsbG8") && !stored.contains("$y$"))
        let told = try await ask(made).json
        var bytes = Array(Self.password.utf8)
        let isHash = LoginPassword.matches(SecretBytes(wiping: &bytes), told?["adminPasswordHash"]?.string ?? "")
        #expect(isHash)
        #expect(told?["customData"] == "aGVsbG8=")
        #expect(try await ask(made, .post, "coffer/provision/done").status == 204)
        let later = try await ask(made).json
        #expect(later?["adminPasswordHash"] == nil && later?["customData"] == nil && later?["authority"] != nil)
        #expect(try await ask(made, .post, "coffer/provision").status == 405)
        #expect(try await ask(made, .post, "metadata/instance").status == 405)
    }

    @Test("The same machine may be asked for again, with the same secrets")
    func repetition() async throws {
        let services = world.start()
        let body = Self.body(["adminPassword": .string(Self.password), "customData": "aGVsbG8="])
        _ = try await put(services, body)
        _ = try await put(services, body)
        let other = Self.body(["adminPassword": "Another-secret-1", "customData": "aGVsbG8="])
        #expect(await refusal { _ = try await put(services, other) }?.short == "409 PropertyChangeNotAllowed")
        let data = Self.body(["adminPassword": .string(Self.password), "customData": "aGVsbG8h"])
        #expect(await refusal { _ = try await put(services, data) }?.short == "409 PropertyChangeNotAllowed")
        #expect(await refusal { _ = try await put(services, Self.body([:])) } == nil)
    }

    @Test("A console's log is read by its URL while boot diagnostics are enabled and the URL is valid")
    func bootDiagnostics() async throws {
        let services = world.start()
        let profile: [String: JSONValue] = ["adminPassword": .string(Self.password)]
        _ = try await put(services, Self.body(profile))
        let path = "virtualMachines/vm1/retrieveBootDiagnosticsData"
        #expect(await refusal { _ = try await world.arm(services, .post, path) }?.short == "409 OperationNotAllowed")
        let enabled: JSONValue = ["properties": ["diagnosticsProfile": ["bootDiagnostics": ["enabled": true]]]]
        _ = try await world.arm(services, .patch, "virtualMachines/vm1", enabled)
        let url = try #require(try await world.arm(services, .post, path).body["serialConsoleLogBlobUri"]?.string)
        #expect(try await read(services, url) == 200)
        #expect(try await read(services, String(url.dropLast())) == 403)
        #expect(try await read(services, url.replacing("/boot-diagnostics/", with: "/boot-diagnostics/0")) == 403)
        #expect(try await read(services, String(url.prefix { $0 != "?" })) == 403)
        #expect(try await read(services, url, .put) == 405)
        let stored = try await world.store.read { try $0.values(ConsoleLogAccess.self, in: ConsoleLogAccess.collection) }
        #expect(stored.count == 1 && !url.contains(String(decoding: stored[0].digest, as: UTF8.self)))
        world.clock.advance(by: .seconds(7201))
        #expect(try await read(services, url) == 403)
        #expect(world.audit.events.map(\.operation).contains("MachineReadConsoleLog"))
    }

    private func read(_ services: ComputeServices, _ url: String, _ method: APIRequest.Method = .get) async throws -> Int {
        let halves = url.split(separator: "?", maxSplits: 1).map(String.init)
        let path = RequestTarget.segments(of: halves[0].replacing("https://localhost:8443", with: "")) ?? []
        #expect(BootDiagnosticsHandler.handles(path))
        do {
            return try await services.bootDiagnostics.handle(APIRequest(
                method: method, host: "localhost:8443", path: path, query: RequestTarget.query(of: halves.count == 2 ? halves[1] : nil) ?? [],
                headers: [:], body: [], address: "127.0.0.1", requestID: "r", received: world.clock.now())).status
        } catch let refusal as APIError {
            return refusal.status
        }
    }

    @Test("A machine is in an availability set, which stays while it has machines, or in a zone")
    func availability() async throws {
        let services = world.start()
        let set = World.id("availabilitySets", "set1")
        let made = try await world.arm(services, .put, "availabilitySets/set1", ["location": "uksouth", "sku": ["name": "aligned"]]).body
        #expect(made["sku"]?["name"] == "Aligned" && made["properties"]?["platformFaultDomainCount"] == 2)
        let profile: [String: JSONValue] = ["adminPassword": .string(Self.password)]
        let within = Self.body(profile, extra: ["availabilitySet": ["id": .string(set.text)]])
        _ = try await put(services, within)
        let members = try await world.arm(services, .get, "availabilitySets/set1").body["properties"]?["virtualMachines"]?.array
        #expect(members?.count == 1)
        #expect(await refusal { _ = try await world.arm(services, .delete, "availabilitySets/set1") }?.short == "409 OperationNotAllowed")
        #expect(await refusal {
            _ = try await world.arm(services, .patch, "virtualMachines/vm1", ["zones": ["1"]])
        }?.short == "409 PropertyChangeNotAllowed")
        #expect(await refusal {
            _ = try await world.arm(services, .put, "availabilitySets/set1", ["location": "uksouth", "sku": ["name": "Classic"]])
        }?.short == "409 PropertyChangeNotAllowed")
        _ = try await world.arm(services, .delete, "virtualMachines/vm1")
        #expect(try await world.arm(services, .delete, "availabilitySets/set1").status == 200)
        #expect(try await world.arm(services, .delete, "availabilitySets/set1").status == 204)
        let odd: JSONValue = ["location": "uksouth", "properties": ["platformFaultDomainCount": 9]]
        #expect(await refusal { _ = try await world.arm(services, .put, "availabilitySets/set1", odd) }?.short == "400 InvalidParameter")
    }

    @Test("A size must take what the machine has, and redeployment keeps its disks")
    func sizes() async throws {
        let services = world.start()
        _ = try await put(services, Self.body(["adminPassword": .string(Self.password)]))
        func resize(_ name: String) -> JSONValue { ["properties": ["hardwareProfile": ["vmSize": .string(name)]]] }
        for name in ["Standard_D2s_v5", "Standard_A1_v2"] {
            #expect(await refusal { _ = try await world.arm(services, .patch, "virtualMachines/vm1", resize(name)) }?.short == "409 OperationNotAllowed")
        }
        let offered = try await world.arm(services, .get, "virtualMachines/vm1/vmSizes").body["value"]?.array?.compactMap { $0["name"]?.string } ?? []
        #expect(offered.contains("Standard_B1ms") && !offered.contains("Standard_D2s_v5") && !offered.contains("Standard_A1_v2"))
        #expect(try await world.arm(services, .post, "virtualMachines/vm1/redeploy").status == 200)
        #expect(world.machines.running.count == 1 && world.machines.commands.suffix(2).first == "forget" && world.machines.commands.last?.hasPrefix("start vm1 os") == true)
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/reimage") }?.short == "409 OperationNotAllowed")
        let usage = try await world.arm(services, .get, "locations/uksouth/usages").body["value"]?.array ?? []
        #expect(usage.first { $0["name"]?["value"] == "cores" }?["currentValue"] == 1)
    }
}
