import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Virtual machines")
struct MachinesTests {
    let world = World()

    private static let machine = World.id("virtualMachines", "vm1")
    static let interface = ResourceID(
        subscription: World.subscription, group: "rg", namespace: "Microsoft.Network", type: "networkInterfaces", name: "nic1")

    static func disk(_ lun: Int, _ name: String, _ option: String = "Empty", set: String? = nil, id: ResourceID? = nil) -> JSONValue {
        var managed: [String: JSONValue] = [:]
        if let set { managed["diskEncryptionSet"] = ["id": .string(World.set(set).text)] }
        if let id { managed["id"] = .string(id.text) }
        return [
            "lun": .int(Int64(lun)), "name": .string(name), "createOption": .string(option), "diskSizeGB": id == nil ? 4 : nil,
            "managedDisk": .object(managed),
        ]
    }

    static func body(
        size: String = "Standard_B1s", set: String? = nil, disks: [JSONValue] = [], deletes: Bool = false, tags: JSONValue = [:],
        extra: [String: JSONValue] = [:]
    ) -> JSONValue {
        let encryption: JSONValue = set.map { ["id": .string(World.set($0).text)] } ?? nil
        var properties: [String: JSONValue] = [
            "hardwareProfile": ["vmSize": .string(size)],
            "storageProfile": [
                "imageReference": ["publisher": "debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
                "osDisk": [
                    "name": "os1", "createOption": "FromImage", "deleteOption": deletes ? "Delete" : "Detach",
                    "managedDisk": ["storageAccountType": "Premium_LRS", "diskEncryptionSet": encryption],
                ],
                "dataDisks": .array(disks),
            ],
            "osProfile": [
                "computerName": "vm1", "adminUsername": "azureuser",
                "linuxConfiguration": ["disablePasswordAuthentication": true, "ssh": ["publicKeys": [["keyData": "ssh-ed25519 AAAA"]]]],
            ],
            "networkProfile": ["networkInterfaces": [["id": .string(interface.text)]]],
        ]
        properties.merge(extra) { $1 }
        return ["location": "uksouth", "tags": tags, "properties": .object(properties)]
    }

    private func put(_ services: ComputeServices, _ body: JSONValue = body()) async throws -> JSONValue {
        try await world.arm(services, .put, "virtualMachines/vm1", body).body
    }

    private func power(_ services: ComputeServices) async throws -> [String] {
        let view = try await world.arm(services, .get, "virtualMachines/vm1/instanceView").body
        return (view["statuses"]?.array ?? []).compactMap { $0["code"]?.string }
    }

    @Test("A machine is made with its encrypted disks, which are open and its own, and runs")
    func creation() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let made = try await put(services, Self.body(set: "des1", disks: [Self.disk(3, "data1", set: "des1")]))
        let properties = made["properties"]
        #expect(properties?["provisioningState"] == "Succeeded")
        #expect(properties?["storageProfile"]?["imageReference"]?["exactVersion"] == "12.20260101.0")
        #expect(properties?["storageProfile"]?["osDisk"]?["managedDisk"]?["diskEncryptionSet"]?["id"]?.string == World.set("des1").text)
        #expect(properties?["storageProfile"]?["osDisk"]?["osType"] == "Linux")
        let plan = try #require(world.machines.running.values.first)
        #expect(plan.firmware == .uefi && plan.processors == 1 && plan.memoryMebibytes == 1024)
        #expect(plan.disks.map(\.name) == ["os", "lun3", "temp"])
        for name in ["os1", "data1"] {
            #expect(try await world.record(name)?.machine == Self.machine)
            #expect(try await world.hosted(name)?.state == .open)
            #expect(try await world.hosted(name)?.layers.map(\.keyID) == [World.key("v1")])
        }
        #expect(world.interfaces.owners == [Self.interface: Self.machine])
        #expect(try await power(services).contains("PowerState/running"))
        let disk = try await world.arm(services, .get, "disks/os1").body
        #expect(disk["managedBy"]?.string == Self.machine.text)
        #expect(disk["properties"]?["diskState"] == "Attached")
    }

    @Test("A machine's disk cannot be deleted, attached by hand or given to another machine")
    func ownership() async throws {
        let services = world.start()
        _ = try await put(services, Self.body(disks: [Self.disk(0, "data1")]))
        #expect(await refusal { _ = try await world.arm(services, .delete, "disks/data1") }?.short == "409 OperationNotAllowed")
        #expect(await refusal { try await world.call(services, "detach", "data1") }?.short == "409 AttachDiskWhileBeingDetached")
        let other = Self.body(disks: [Self.disk(0, "data1", "Attach", id: World.disk("data1"))], extra: [
            "networkProfile": ["networkInterfaces": [["id": .string(Self.interface.text + "2")]]],
        ])
        #expect(await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm2", other) }?.short == "409 ConflictingUserInput")
    }

    @Test("Stopping keeps the disks open, deallocation closes them, and starting opens them again")
    func powerStates() async throws {
        let services = world.start()
        _ = try await put(services)
        #expect(try await world.arm(services, .post, "virtualMachines/vm1/powerOff").status == 200)
        #expect(try await power(services).contains("PowerState/stopped"))
        #expect(try await world.hosted("os1")?.state == .open)
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        #expect(try await power(services).contains("PowerState/deallocated"))
        #expect(try await world.hosted("os1")?.state == .closed)
        #expect(try await world.arm(services, .get, "disks/os1").body["properties"]?["diskState"] == "Reserved")
        _ = try await world.arm(services, .post, "virtualMachines/vm1/start")
        #expect(try await world.hosted("os1")?.state == .open)
        #expect(try await power(services).contains("PowerState/running"))
        _ = try await world.arm(services, .post, "virtualMachines/vm1/start")
        _ = try await world.arm(services, .post, "virtualMachines/vm1/restart")
        #expect(world.machines.running.count == 1)
    }

    @Test("A machine whose key may not be used does not start, says why, and starts once it may")
    func lostKeyAtStart() async throws {
        let services = world.start()
        try await world.makeSet(services)
        _ = try await put(services, Self.body(set: "des1"))
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        let refused = await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/start") }
        #expect(refused?.status == 403)
        #expect(try await power(services).contains { $0.hasPrefix("ProvisioningState/failed/") })
        #expect(world.machines.running.isEmpty)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        _ = try await world.arm(services, .post, "virtualMachines/vm1/start")
        #expect(try await !power(services).contains { $0.hasPrefix("ProvisioningState/failed/") })
        #expect(world.machines.running.count == 1)
    }

    @Test("The networks of a machine that runs follow its interfaces")
    func followedNetworks() async throws {
        let services = world.start()
        _ = try await put(services)
        let machine = try #require(world.machines.running.keys.first)
        #expect(world.machines.followed.isEmpty)
        await services.machineKeeper.keepAll()
        let plans = try #require(world.machines.running[machine]?.interfaces)
        #expect(!plans.isEmpty && world.machines.followed == [machine: plans])
    }

    @Test("A machine that runs is stopped when a disk of it loses its key", arguments: ["stop", "pause", "keep"])
    func lostKeyWhileRunning(reaction: String) async throws {
        let services = world.start()
        try await world.makeSet(services)
        _ = try await world.arm(services, .patch, "diskEncryptionSets/des1", ["tags": ["coffer-key-loss": .string(reaction)]])
        _ = try await put(services, Self.body(disks: [Self.disk(0, "data1", set: "des1")]))
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        await services.machineKeeper.keepAll()
        #expect(world.machines.running.isEmpty == (reaction == "stop"))
        #expect(try await power(services).contains("ProvisioningState/failed/DiskEncryptionKeyUnavailable") == (reaction == "stop"))
    }

    @Test("A machine that lost a disk as the disk host was replaced is started anew")
    func lostDisk() async throws {
        let services = world.start()
        _ = try await put(services)
        let disk = try #require(try await world.record("os1")?.disk)
        world.host.change(disk) { $0.hasSilentFrontEnd = true }
        await services.machineKeeper.keepAll()
        #expect(world.machines.commands.count == 1)
        try await services.adopt()
        await services.machineKeeper.keepAll()
        #expect(world.machines.commands.dropFirst().map { $0.split(separator: " ")[0] } == ["stop", "start"])
        #expect(world.machines.running.count == 1 && world.lines.contains { $0.contains("is started anew") })
        world.host.change(disk) { $0.hasSilentFrontEnd = nil }
        await services.machineKeeper.keepAll()
        #expect(world.machines.commands.count == 3)
        #expect(try await world.store.read { try $0.machine(Self.machine) }?.reason == nil)
    }

    @Test("A machine that ended by itself is found to be stopped, and one whose making was interrupted to have failed")
    func convergence() async throws {
        let services = world.start()
        _ = try await put(services)
        let record = try #require(try await world.store.read { try $0.machine(Self.machine) })
        world.machines.crash(record.machine)
        await services.machineKeeper.keepAll()
        #expect(try await power(services).contains("PowerState/stopped"))
        #expect(try await world.store.read { try $0.machine(Self.machine) }?.reason?.code == "VMStoppedByItself")
        try await world.store.write { try $0.change(record) { $0.phase = .creating } }
        await services.machineKeeper.keepAll()
        let shown = try await world.arm(services, .get, "virtualMachines/vm1").body
        #expect(shown["properties"]?["provisioningState"] == "Failed")
        #expect(try await world.record("os1")?.machine == nil)
        #expect(world.interfaces.owners.isEmpty)
    }

    @Test("Disks are plugged and unplugged while a machine runs")
    func hotplug() async throws {
        let services = world.start()
        _ = try await put(services)
        try await world.makeDisk(services, "data1", set: nil)
        let with = Self.body(disks: [Self.disk(1, "data1", "Attach", id: World.disk("data1"))])
        #expect(try await put(services, with)["properties"]?["storageProfile"]?["dataDisks"]?.array?.count == 1)
        #expect(try await put(services, with)["properties"]?["storageProfile"]?["dataDisks"]?.array?.count == 1)
        #expect(try await put(services)["properties"]?["storageProfile"]?["dataDisks"] == [])
        #expect(world.machines.commands.suffix(2) == ["plug lun1", "unplug lun1"])
        #expect(try await world.record("data1")?.isFree == true)
        world.machines.refuse(MachineFailure(.system, "no slot"))
        let refused = await refusal { _ = try await put(services, with) }
        #expect(refused?.short == "409 VMStartTimedOut" && refused?.message.contains("no slot") == true)
        #expect(try await world.record("data1")?.isFree == true)
        // What was made for the machine is not in the way of the next attempt.
        let new = Self.body(disks: [Self.disk(1, "data2", "Empty")])
        #expect(await refusal { _ = try await put(services, new) }?.short == "409 VMStartTimedOut")
        #expect(try await world.record("data2") == nil)
        world.machines.refuse(nil)
        #expect(try await put(services, new)["properties"]?["storageProfile"]?["dataDisks"]?.array?.count == 1)
    }

    @Test("A machine that cannot be started is kept as failed with the reason, without disks or interfaces, and can be made again")
    func failedCreation() async throws {
        let services = world.start()
        world.machines.refuse(MachineFailure(.notInstalled, "there is no QEMU"))
        #expect(await refusal { _ = try await put(services) }?.short == "409 HypervisorNotInstalled")
        #expect(try await world.arm(services, .get, "virtualMachines/vm1").body["properties"]?["provisioningState"] == "Failed")
        #expect(try await world.record("os1") == nil)
        #expect(world.interfaces.owners.isEmpty)
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/start") }?.short == "409 OperationNotAllowed")
        world.machines.refuse(nil)
        #expect(try await put(services)["properties"]?["provisioningState"] == "Succeeded")
    }

    @Test("Interfaces that are made with a machine go with it, also when it cannot be made")
    func interfacesMadeWithIt() async throws {
        let services = world.start()
        let network: [String: JSONValue] = ["networkProfile": ["networkApiVersion": "2020-11-01", "networkInterfaceConfigurations": [["name": "nic"]]]]
        world.machines.refuse(MachineFailure(.notInstalled, "there is no QEMU"))
        #expect(await refusal { _ = try await put(services, Self.body(extra: network)) }?.short == "409 HypervisorNotInstalled")
        #expect(world.interfaces.makings.isEmpty && world.interfaces.owners.isEmpty)
        world.machines.refuse(nil)
        let made = try await put(services, Self.body(extra: network))
        #expect(made["properties"]?["networkProfile"]?["networkInterfaces"]?.array?.first?["properties"]?["deleteOption"] == "Delete")
        #expect(world.interfaces.makings.count == 1 && world.interfaces.owners.count == 1)
        _ = try await world.arm(services, .delete, "virtualMachines/vm1")
        #expect(world.interfaces.makings.isEmpty && world.interfaces.owners.isEmpty)
        let both: [String: JSONValue] = [
            "networkProfile": ["networkInterfaces": [["id": .string(Self.interface.text)]], "networkInterfaceConfigurations": [["name": "nic"]]],
        ]
        #expect(await refusal { _ = try await put(services, Self.body(extra: both)) }?.short == "400 InvalidParameter")
    }

    @Test("Deletion takes with it what it was asked to, and leaves the rest free", arguments: [true, false])
    func deletion(deletes: Bool) async throws {
        let services = world.start()
        _ = try await put(services, Self.body(disks: [Self.disk(0, "data1")], deletes: deletes))
        #expect(try await world.arm(services, .delete, "virtualMachines/vm1").status == 200)
        #expect(try await world.arm(services, .delete, "virtualMachines/vm1").status == 204)
        #expect(try await (world.record("os1") == nil) == deletes)
        #expect(try await world.record("data1")?.isFree == true)
        #expect(world.machines.running.isEmpty && world.interfaces.owners.isEmpty)
        #expect(world.machines.commands.last == "forget")
    }

    @Test("What cannot be is refused before anything is made", arguments: [
        (["hardwareProfile": ["vmSize": "Standard_Z9"]], "400 InvalidParameter"),
        (["networkProfile": ["networkInterfaces": []]], "400 InvalidParameter"),
        (["storageProfile": ["osDisk": ["createOption": "Copy"]]], "400 InvalidParameter"),
        (["storageProfile": ["osDisk": ["createOption": "FromImage"]]], "400 InvalidParameter"),
        (["storageProfile": ["imageReference": ["publisher": "x", "offer": "y", "sku": "z"], "osDisk": ["createOption": "FromImage"]]],
            "404 PlatformImageNotFound"),
        (["osProfile": ["adminUsername": "ada"]], "400 InvalidParameter"),
        (["osProfile": ["adminUsername": "root", "adminPassword": "Some-secret-1"]], "400 InvalidParameter"),
        (["osProfile": ["adminPassword": "secret"]], "400 InvalidParameter"),
        (["osProfile": ["adminPassword": "secretsecretsecret"]], "400 InvalidParameter"),
        (["osProfile": ["adminPassword": "Some-secret-1\u{7}"]], "400 InvalidParameter"),
        (["osProfile": ["linuxConfiguration": ["disablePasswordAuthentication": true]]], "400 InvalidParameter"),
        (["osProfile": ["adminPassword": "Some-secret-1", "customData": "not base 64!"]], "400 InvalidParameter"),
        (["osProfile": ["adminPassword": "Some-secret-1", "customData": .string(String(repeating: "A", count: 87_384))]], "400 InvalidParameter"),
        (["diagnosticsProfile": ["bootDiagnostics": ["enabled": true, "storageUri": "https://x"]]], "400 NotSupported"),
        (["availabilitySet": ["id": "/x"]], "400 InvalidParameter"),
        (["availabilitySet": ["id": .string(World.id("availabilitySets", "gone").text)]], "404 ResourceNotFound"),
        (["hardwareProfile": ["vmSize": "Standard_A1_v2"]], "409 OperationNotAllowed"),
        (["userData": "not base 64!"], "400 InvalidParameter"),
    ] as [([String: JSONValue], String)])
    func refusals(extra: [String: JSONValue], expected: String) async throws {
        let services = world.start()
        let refused = await refusal { _ = try await put(services, Self.body(extra: extra)) }
        #expect(refused?.short == expected)
        #expect(refused?.message.contains("secret") != true)
        #expect(await refusal { _ = try await world.arm(services, .get, "virtualMachines/vm1") }?.status == 404)
        #expect(world.host.disks.isEmpty)
    }

    @Test("What is fixed stays, the rest changes")
    func updates() async throws {
        let services = world.start()
        _ = try await put(services)
        let tagged = try await world.arm(services, .patch, "virtualMachines/vm1", ["tags": ["a": "b"]]).body
        #expect(tagged["tags"] == ["a": "b"])
        let resized = try await put(services, Self.body(size: "Standard_B1ms", tags: ["a": "c"]))
        #expect(resized["properties"]?["hardwareProfile"]?["vmSize"] == "Standard_B1ms")
        #expect(world.machines.running.values.first?.memoryMebibytes == 2048)
        let elsewhere = Self.body(extra: ["networkProfile": ["networkInterfaces": [["id": .string(Self.interface.text + "2")]]]])
        #expect(await refusal { _ = try await put(services, elsewhere) }?.short == "409 OperationNotAllowed")
        let tooMany = Self.body(disks: (0..<3).map { Self.disk($0, "d\($0)") })
        #expect(await refusal { _ = try await put(services, tooMany) }?.short == "409 OperationNotAllowed")
    }

    @Test("Scripts run in the guest with their parameters, quoted")
    func runCommand() async throws {
        let services = world.start()
        _ = try await put(services)
        let body: JSONValue = [
            "commandId": "RunShellScript", "script": ["echo $a"], "parameters": [["name": "a", "value": "it's; rm -rf /"]],
        ]
        let answer = try await world.arm(services, .post, "virtualMachines/vm1/runCommand", body).body
        let message = try #require(answer["value"]?.array?.first?["message"]?.string)
        #expect(message.contains("a='it'\\''s; rm -rf /'\nexport a\necho $a"))
        let odd: JSONValue = ["commandId": "RunShellScript", "script": ["x"], "parameters": [["name": "a;b", "value": ""]]]
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/runCommand", odd) }?.short == "400 InvalidParameter")
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/runCommand", body) }?.short == "409 OperationNotAllowed")
    }

    @Test("Sizes, SKUs and images are listed as Azure lists them")
    func listings() async throws {
        let services = world.start()
        let skus = try await world.arm(services, .get, "skus", group: nil).body["value"]?.array ?? []
        let size = try #require(skus.first { $0["name"] == "Standard_D2s_v3" })
        #expect(size["capabilities"]?.array?.contains(["name": "EncryptionAtHostSupported", "value": "True"]) == true)
        #expect(size["restrictions"] == [])
        let place = "locations/uksouth/publishers"
        #expect(try await world.arm(services, .get, place, group: nil).body.array?.contains { $0["name"] == "Debian" } == true)
        let skuPlace = "\(place)/debian/artifacttypes/vmimage/offers/debian-12/skus"
        let listed = try await world.arm(services, .get, skuPlace, group: nil).body.array?.first
        #expect(listed?["name"] == "12-gen2")
        #expect(listed?["id"]?.string?.hasSuffix("/Offers/debian-12/Skus/12-gen2") == true)
        let versions = try await world.arm(services, .get, "\(skuPlace)/12-gen2/versions", group: nil).body.array
        #expect(versions?.first?["name"] == "12.20260101.0")
        let image = try await world.arm(services, .get, "\(skuPlace)/12-gen2/versions/12.20260101.0", group: nil).body
        #expect(image["properties"]?["hyperVGeneration"] == "V2")
        #expect(image["properties"]?["osDiskImage"]?["operatingSystem"] == "Linux")
    }
}
