import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Scale sets")
struct ScaleSetsTests {
    let world = World()

    private static let path = "virtualMachineScaleSets/ss"
    private static let id = World.id("virtualMachineScaleSets", "ss")
    private static let network: JSONValue = [
        "networkInterfaceConfigurations": [
            ["name": "nic", "properties": ["primary": "true", "ipConfigurations": [["name": "ip", "properties": ["publicipaddressconfiguration": ["name": "p"]]]]]]
        ],
    ]

    private static func body(
        _ capacity: Int64 = 2, size: String = "Standard_B1ls", set: String? = nil, data: [JSONValue] = [], sku: String = "12-gen2",
        profile: [String: JSONValue] = [:], properties: [String: JSONValue] = [:]
    ) -> JSONValue {
        let encryption: JSONValue = set.map { ["id": .string(World.set($0).text)] } ?? nil
        var machine: [String: JSONValue] = [
            "storageProfile": [
                "imageReference": ["publisher": "debian", "offer": "debian-12", "sku": .string(sku), "version": "latest"],
                "osDisk": ["createOption": "FromImage", "managedDisk": ["storageAccountType": "Premium_LRS", "diskEncryptionSet": encryption]],
                "dataDisks": .array(data),
            ],
            "osProfile": [
                "computerNamePrefix": "ss", "adminUsername": "ada",
                "linuxConfiguration": ["disablePasswordAuthentication": true, "ssh": ["publicKeys": [["path": "/home/ada/.ssh/authorized_keys", "keyData": "ssh-ed25519 A"]]]],
            ],
            "networkProfile": network,
        ]
        machine.merge(profile) { $1 }
        var all: [String: JSONValue] = ["virtualMachineProfile": .object(machine), "upgradePolicy": ["mode": "manual"], "overprovision": false]
        all.merge(properties) { $1 }
        return ["location": "uksouth", "tags": [:], "sku": ["name": .string(size), "capacity": .int(capacity)], "properties": .object(all)]
    }

    private static func data(_ lun: Int64, set: String? = nil) -> JSONValue {
        let encryption: JSONValue = set.map { ["id": .string(World.set($0).text)] } ?? nil
        return ["lun": .int(lun), "createOption": "empty", "diskSizeGB": 4, "managedDisk": ["storageAccountType": nil, "diskEncryptionSet": encryption]]
    }

    private func put(_ services: ComputeServices, _ body: JSONValue = body()) async throws -> JSONValue {
        try await world.arm(services, .put, Self.path, body).body
    }

    /// The numbers of the instances, and whether each has the newest model.
    private func instances(_ services: ComputeServices) async throws -> [String: Bool] {
        let all = try await world.arm(services, .get, "\(Self.path)/virtualMachines").body["value"]?.array ?? []
        return Dictionary(all.map { ($0["instanceId"]?.string ?? "", $0["properties"]?["latestModelApplied"]?.bool ?? false) }) { first, _ in first }
    }

    private func disks() async throws -> [DiskRecord] {
        try await world.store.read { try $0.values(DiskRecord.self, in: DiskRecord.collection) }
    }

    @Test("The instances are machines with encrypted disks and interfaces of their own, which lists of machines leave out")
    func creation() async throws {
        let services = world.start()
        try await world.makeSet(services)
        let made = try await put(services, Self.body(set: "des1", data: [Self.data(0, set: "des1")]))
        #expect(made["properties"]?["provisioningState"] == "Succeeded" && made["sku"]?["capacity"] == 2)
        let nic = made["properties"]?["virtualMachineProfile"]?["networkProfile"]?["networkInterfaceConfigurations"]?.array?.first?["properties"]
        #expect(nic?["primary"] == true)
        #expect(nic?["ipConfigurations"]?.array?.first?["properties"]?["publicIPAddressConfiguration"]?["name"] == "p")
        #expect(Set(world.machines.running.values.map(\.name)) == ["ss_0", "ss_1"])
        let all = try await disks()
        #expect(all.count == 4 && all.allSatisfy { $0.set == World.set("des1") })
        #expect(Set(all.compactMap(\.machine?.text)) == ["0", "1"].map { "\(Self.id.text)/virtualMachines/\($0)" }.reduce(into: []) { $0.insert($1) })
        #expect(world.interfaces.makings.map(\.name) == ["nic", "nic"])
        #expect(try await world.arm(services, .get, "virtualMachines").body["value"] == [])
        let shown = try await world.arm(services, .get, "\(Self.path)/virtualMachines/1").body
        #expect(shown["name"] == "ss_1" && shown["properties"]?["osProfile"]?["computerName"] == "ss000001")
        #expect(shown["properties"]?["latestModelApplied"] == true)
        let view = try await world.arm(services, .get, "\(Self.path)/instanceView").body
        #expect(view["virtualMachine"]?["statusesSummary"]?.array?.contains(["code": "PowerState/running", "count": 2]) == true)
        let interfaces = try await world.arm(services, .get, "\(Self.path)/virtualMachines/1/networkInterfaces").body["value"]?.array
        #expect(interfaces?.count == 1)
    }

    @Test("A set grows and shrinks by its capacity alone, takes the newest instances first, and uses no number twice")
    func scaling() async throws {
        let services = world.start()
        _ = try await put(services)
        #expect(try await put(services, ["location": "uksouth", "sku": ["name": "Standard_B1ls", "capacity": 3]])["sku"]?["capacity"] == 3)
        #expect(try await instances(services) == ["0": true, "1": true, "2": true])
        _ = try await world.arm(services, .put, "\(Self.path)/virtualMachines/2", ["properties": ["protectionPolicy": ["protectFromScaleIn": true]]])
        _ = try await world.arm(services, .patch, Self.path, ["sku": ["capacity": 1]])
        #expect(try await instances(services).keys.sorted() == ["2"])
        #expect(try await disks().count == 1 && world.interfaces.makings.count == 1 && world.machines.running.count == 1)
        _ = try await world.arm(services, .patch, Self.path, ["sku": ["capacity": 2]])
        #expect(try await instances(services).keys.sorted() == ["2", "3"])
        _ = try await world.arm(services, .post, "\(Self.path)/delete", ["instanceIds": ["3"]])
        #expect(try await world.arm(services, .get, Self.path).body["sku"]?["capacity"] == 1)
        #expect(try await world.arm(services, .delete, Self.path).status == 200)
        #expect(try await world.arm(services, .delete, Self.path).status == 204)
        #expect(try await disks().isEmpty && world.interfaces.makings.isEmpty && world.machines.running.isEmpty)
    }

    @Test("A changed model is that of new instances; others get what machines that are there can get, and the rest by a new OS disk")
    func model() async throws {
        let services = world.start()
        try await world.makeSet(services)
        _ = try await put(services, Self.body(1, data: [Self.data(0)]))
        let changed = Self.body(2, size: "Standard_B1s", set: "des1", data: [Self.data(0), Self.data(1, set: "des1")])
        _ = try await put(services, changed)
        #expect(try await instances(services) == ["0": false, "1": true])
        #expect(try await disks().filter { $0.set != nil }.count == 2)
        _ = try await world.arm(services, .post, "\(Self.path)/manualupgrade", ["instanceIds": ["0"]])
        // It has its old OS disk still, which no set encrypts.
        #expect(try await instances(services) == ["0": false, "1": true])
        let shown = try await world.arm(services, .get, "\(Self.path)/virtualMachines/0").body["properties"]
        #expect(shown?["hardwareProfile"]?["vmSize"] == "Standard_B1s" && shown?["storageProfile"]?["dataDisks"]?.array?.count == 2)
        _ = try await world.arm(services, .post, "\(Self.path)/virtualMachines/0/reimage")
        _ = try await world.arm(services, .post, "\(Self.path)/manualupgrade", ["instanceIds": ["*"]])
        #expect(try await instances(services) == ["0": true, "1": true])
        #expect(try await disks().count == 6 && world.machines.running.count == 2)
        #expect(try await disks().filter { $0.set == World.set("des1") }.count == 4)
        // What is not in the model any more is deleted.
        _ = try await put(services, Self.body(2, size: "Standard_B1s", set: "des1", properties: ["upgradePolicy": ["mode": "Automatic"]]))
        #expect(try await instances(services) == ["0": true, "1": true])
        #expect(try await disks().count == 2)
    }

    @Test("What no set can be is refused before anything is made")
    func refusals() async throws {
        let services = world.start()
        func code(_ body: JSONValue) async -> String? { await refusal { _ = try await put(services, body) }?.short }
        #expect(await code(Self.body(21)) == "400 InvalidParameter")
        #expect(await code(Self.body(-1)) == "400 InvalidParameter")
        #expect(await code(Self.body(size: "Standard_Z9")) == "400 InvalidParameter")
        #expect(await code(Self.body(sku: "none")) == "404 PlatformImageNotFound")
        #expect(await code(Self.body(properties: ["orchestrationMode": "Flexible"])) == "400 NotSupported")
        #expect(await code(Self.body(properties: ["upgradePolicy": ["mode": "Rolling"]])) == "400 NotSupported")
        #expect(await code(Self.body(profile: ["networkProfile": ["networkInterfaceConfigurations": []]])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["networkProfile": ["networkInterfaceConfigurations": [[:]]]])) == "400 InvalidRequestFormat")
        #expect(await code(Self.body(profile: ["osProfile": ["adminPassword": "simple"]])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["osProfile": ["customData": "AAAA"]])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["osProfile": ["adminPassword": "Some-secret-1", "customData": "?"]])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["osProfile": 5])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["storageProfile": 5])) == "400 InvalidParameter")
        #expect(await code(Self.body(profile: ["userData": 5])) == "400 InvalidRequestContent")
        #expect(await code(Self.body(profile: ["extensionProfile": ["extensions": [["name": "e"]]]])) == "400 NotSupported")
        let attach: JSONValue = ["lun": 0, "createOption": "Attach", "managedDisk": ["id": .string(World.disk("d").text)]]
        #expect(await code(Self.body(data: [attach])) == "400 InvalidParameter")
        #expect(await code(["location": "uksouth"]) == "400 InvalidParameter")
        #expect(await refusal { _ = try await world.arm(services, .patch, Self.path, ["sku": ["capacity": 1]]) }?.short == "404 ResourceNotFound")
        #expect(await refusal { _ = try await world.arm(services, .get, Self.path) }?.short == "404 ResourceNotFound")
        _ = try await put(services, Self.body(0))
        #expect(await refusal { _ = try await world.arm(services, .post, "\(Self.path)/start", ["instanceIds": ["7"]]) }?.short == "404 InvalidInstanceId")
        #expect(await refusal { _ = try await world.arm(services, .post, "\(Self.path)/delete") }?.short == "400 InvalidParameter")
    }

    @Test("Each guest is handed the set's password and custom data, nobody else sees them, and a new OS disk gets the newest")
    func secrets() async throws {
        let services = world.start()
        func profile(_ password: String?, _ data: String?) -> [String: JSONValue] {
            ["osProfile": [
                "computerNamePrefix": "ss", "adminUsername": "ada", "adminPassword": password.map(JSONValue.string) ?? nil,
                "customData": data.map(JSONValue.string) ?? nil,
            ]]
        }
        let provisioning = MachineProvisioning(sealer: PlainSealer())
        func handed() async throws -> [MachineProvisioning.Secrets] {
            var found: [MachineProvisioning.Secrets] = []
            for record in try await world.store.read({ try $0.instances(of: Self.id) }) { found.append(try await provisioning.handedOut(record)) }
            return found
        }
        func matches(_ password: String, _ secrets: MachineProvisioning.Secrets) -> Bool {
            var bytes = Array(password.utf8)
            return LoginPassword.matches(SecretBytes(wiping: &bytes), secrets.passwordHash ?? "")
        }
        let made = try await put(services, Self.body(2, profile: profile("Some-secret-1", "AAAA")))
        let first = try await handed()
        #expect(first.count == 2 && first.allSatisfy { matches("Some-secret-1", $0) && $0.customData == "AAAA" })
        let shown = try await world.arm(services, .get, "\(Self.path)/virtualMachines/1").body
        for document in [made, shown] {
            let text = String(decoding: try JSON.encode(document), as: UTF8.self)
            #expect(!text.contains("Some-secret-1") && !text.contains("$y$") && !text.contains("AAAA"))
        }
        // Whole bodies are repeated, and are no change.
        _ = try await put(services, Self.body(2, profile: profile("Some-secret-1", "AAAA")))
        #expect(try await instances(services) == ["0": true, "1": true])
        _ = try await put(services, Self.body(3, profile: profile("Other-secret-2", nil)))
        #expect(try await instances(services) == ["0": false, "1": false, "2": true])
        let later = try await handed()
        #expect(matches("Some-secret-1", later[0]) && matches("Other-secret-2", later[2]) && later[2].customData == "AAAA")
        _ = try await world.store.write { transaction in
            for record in try transaction.instances(of: Self.id) { try transaction.change(record) { $0.provisioning?.isDone = true } }
        }
        #expect(try await handed() == [.init(), .init(), .init()])
        _ = try await world.arm(services, .post, "\(Self.path)/virtualMachines/0/reimage")
        let last = try await handed()
        #expect(matches("Other-secret-2", last[0]) && last[1] == .init())
    }

    @Test("Instances that cannot be made leave nothing but the reason, and a smaller or repeated request makes the set whole")
    func failure() async throws {
        let services = world.start()
        world.machines.refuse(MachineFailure(.notInstalled, "there is no QEMU"))
        #expect(await refusal { _ = try await put(services) }?.short == "409 HypervisorNotInstalled")
        let failed = try await world.arm(services, .get, Self.path).body["properties"]
        #expect(failed?["provisioningState"] == "Failed" && failed?["error"]?["code"] == "HypervisorNotInstalled")
        #expect(try await disks().isEmpty && world.interfaces.makings.isEmpty && world.interfaces.owners.isEmpty)
        #expect(try await instances(services).isEmpty)
        world.machines.refuse(nil)
        #expect(try await put(services)["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await instances(services).count == 2)
    }

    @Test("A set whose change a crash ended says so, and its next change replaces what is not whole")
    func interruption() async throws {
        let services = world.start()
        _ = try await put(services)
        let half = try #require(try await world.store.read { try $0.instances(of: Self.id) }.last)
        let set = try #require(try await world.store.read { try $0.scaleSet(Self.id) })
        world.machines.crash(half.machine)
        try await world.store.write { transaction in
            try transaction.change(half) { $0.phase = .creating }
            try transaction.change(set) { $0.phase = .updating }
        }
        let again = world.start()
        #expect(await refusal { _ = try await put(again) }?.short == "409 OperationNotAllowed")
        await again.machineKeeper.keepAll()
        let shown = try await world.arm(again, .get, Self.path).body["properties"]
        #expect(shown?["provisioningState"] == "Failed" && shown?["error"]?["code"] == "OperationPreempted")
        #expect(try await put(again)["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await instances(again).keys.sorted() == ["0", "2"])
        #expect(try await disks().count == 2 && world.interfaces.makings.count == 2)
    }

    @Test("Power is given and taken by instance or for all, and a lost key stops instances and says why")
    func power() async throws {
        let services = world.start()
        try await world.makeSet(services)
        _ = try await put(services, Self.body(set: "des1"))
        _ = try await world.arm(services, .post, "\(Self.path)/deallocate", ["instanceIds": ["0"]])
        #expect(world.machines.running.values.map(\.name) == ["ss_1"])
        _ = try await world.arm(services, .post, "\(Self.path)/virtualMachines/0/start")
        #expect(world.machines.running.count == 2)
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false }
        try await world.announce(.attributes)
        var memory = KeyWatch.Memory()
        await services.keyWatch.step(&memory)
        await services.machineKeeper.keepAll()
        #expect(world.machines.running.isEmpty)
        let view = try await world.arm(services, .get, "\(Self.path)/virtualMachines/0/instanceView").body["statuses"]?.array ?? []
        #expect(view.contains { $0["code"] == "ProvisioningState/failed/DiskEncryptionKeyUnavailable" })
        world.vaults.change("kv1", "key1", "v1") { $0.isEnabled = true }
        _ = try await world.arm(services, .post, "\(Self.path)/start")
        #expect(world.machines.running.count == 2)
    }

    @Test("Instances act as the set's identities, and stop to when it loses them")
    func identities() async throws {
        let services = world.start()
        var body = Self.body(1).object ?? [:]
        body["identity"] = ["type": "SystemAssigned"]
        let shown = try await put(services, .object(body))
        let principal = try #require(shown["identity"]?["principalId"]?.string)
        let made = try await world.store.read { try $0.instances(of: Self.id) }
        #expect(made.first?.identities?.map(\.objectID) == [principal])
        _ = try await world.arm(services, .patch, Self.path, ["identity": ["type": "None"]])
        #expect(try await world.store.read { try $0.instances(of: Self.id) }.first?.identities == [])
    }

    @Test("Azure Disk Encryption of a set is refused by its rule, and as not served where no rule forbids it")
    func guestEncryption() async throws {
        let services = world.start()
        func refused(_ volume: String) async -> APIError? {
            let encryption: JSONValue = [
                "name": "ade", "properties": ["publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryptionForLinux", "settings": ["VolumeType": .string(volume)]],
            ]
            return await refusal { _ = try await put(services, Self.body(profile: ["extensionProfile": ["extensions": [encryption]]])) }
        }
        #expect(await refused("ALL")?.message.contains("Rule guest-scale-set-os ") == true)
        #expect(await refused("OS")?.message.contains("Rule guest-scale-set-os ") == true)
        #expect(await refused("Data")?.code == "NotSupported")
        #expect(await refused("Moon")?.short == "400 InvalidParameter")
        #expect(try await world.store.read { try $0.scaleSets(in: nil) }.isEmpty)
    }

    private static func ephemeral(_ capacity: Int64 = 2, size: String = "Standard_D2s_v3", settings: JSONValue = ["option": "Local"]) -> JSONValue {
        body(capacity, size: size, profile: ["storageProfile": [
            "imageReference": ["publisher": "debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
            "osDisk": ["createOption": "FromImage", "caching": "ReadOnly", "diffDiskSettings": settings],
        ]])
    }

    @Test("Instances with ephemeral OS disks have no disk of their own, are reimaged and never deallocated")
    func ephemeralDisks() async throws {
        let services = world.start()
        _ = try await put(services, Self.ephemeral())
        #expect(try await disks().isEmpty && world.host.ownDisks.count == 4 && world.machines.running.count == 2)
        let instance = ResourceID("\(Self.id.text)/virtualMachines/0")
        func whole() async throws -> MachineRecord.Ephemeral? { try await world.store.read { transaction in try instance.flatMap { try transaction.machine($0) } }?.osDisk.ephemeral }
        let first = try #require(try await whole())
        #expect(first.isFilled)
        _ = try await world.arm(services, .post, "\(Self.path)/virtualMachines/0/reimage")
        let second = try #require(try await whole())
        #expect(second.isFilled && world.machines.running.count == 2 && world.host.ownDisks.count == 4)
        for path in ["\(Self.path)/deallocate", "\(Self.path)/virtualMachines/0/deallocate"] {
            #expect(await refusal { _ = try await world.arm(services, .post, path, [:]) }?.message.contains("Rule ephemeral-deallocate ") == true)
        }
        #expect(await refusal { _ = try await put(services, Self.ephemeral(settings: ["option": "Local", "placement": "ResourceDisk"])) }?
            .message.contains("Rule ephemeral-fixed ") == true)
        #expect(await refusal { _ = try await put(services, Self.ephemeral(size: "Standard_D2s_v4")) }?.message.contains("Rule ephemeral-size ") == true)
        _ = try await world.arm(services, .delete, Self.path)
        #expect(world.host.ownDisks.isEmpty)
    }

    /// A crash of the server after so many steps; the last one is done or not.
    static let crashes = (1...24).flatMap { [($0, true), ($0, false)] }

    @Test("A crash anywhere in a reimaging leaves an instance with one OS disk, and no other", arguments: crashes)
    func reimagingCrash(steps: Int, doesLastStep: Bool) async throws {
        let services = world.start()
        _ = try await put(services, Self.body(1))
        let ending = world.start(fuse: Fuse(steps: steps, doesLastStep: doesLastStep))
        _ = try? await world.arm(ending, .post, "\(Self.path)/virtualMachines/0/reimage")
        let next = world.start()
        await next.machineKeeper.keepAll()
        let all = try await disks()
        let record = try #require(try await world.store.read { try $0.instances(of: Self.id) }.first)
        #expect(all.map(\.id) == [record.osDisk.disk] && all.first?.machine == record.id && all.first?.phase == .succeeded)
        #expect(record.leaving == nil)
        _ = try await world.arm(next, .post, "\(Self.path)/virtualMachines/0/start")
        #expect(world.machines.running.count == 1)
    }
}
