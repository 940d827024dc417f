import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Ephemeral OS disks")
struct EphemeralDisksTests {
    private static let machine = World.id("virtualMachines", "vm1")

    static func osDisk(_ settings: JSONValue = ["option": "Local"], _ others: [String: JSONValue] = [:]) -> JSONValue {
        var members: [String: JSONValue] = ["name": "os1", "createOption": "FromImage", "caching": "ReadOnly", "diffDiskSettings": settings]
        members.merge(others) { $1 }
        return .object(members)
    }

    static func body(size: String = "Standard_D2s_v3", _ osDisk: JSONValue = osDisk(), atHost: Bool = false, disks: [JSONValue] = []) -> JSONValue {
        var extra: [String: JSONValue] = ["storageProfile": [
            "imageReference": ["publisher": "debian", "offer": "debian-12", "sku": "12-gen2", "version": "latest"],
            "osDisk": osDisk, "dataDisks": .array(disks),
        ]]
        if atHost { extra["securityProfile"] = ["encryptionAtHost": true] }
        return MachinesTests.body(size: size, extra: extra)
    }

    private func put(_ world: World, _ services: ComputeServices, _ body: JSONValue = body()) async throws -> JSONValue {
        try await world.arm(services, .put, "virtualMachines/vm1", body).body
    }

    private func post(_ world: World, _ services: ComputeServices, _ action: String, _ body: JSONValue? = nil) async throws {
        _ = try await world.arm(services, .post, "virtualMachines/vm1/\(action)", body)
    }

    private func record(_ world: World) async throws -> MachineRecord? { try await world.store.read { try $0.machine(Self.machine) } }

    /// The OS disk as its host has it.
    private func disk(_ world: World) async throws -> DiskHostDouble.Disk? {
        try await record(world)?.osDisk.ephemeral.flatMap { world.host.ownDisks[$0.disk] }
    }

    private func temporary(_ world: World) async throws -> DiskHostDouble.Disk? { try await record(world).flatMap { world.host.ownDisks[$0.machine.temporaryDisk] } }

    @Test("It is the host's own, has no resource, is plain without encryption at host and has a platform key with it", arguments: [true, false], RuleSet.allCases)
    func creation(isAtHost: Bool, ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let services = world.start()
        let made = try await put(world, services, Self.body(atHost: isAtHost))
        let shown = made["properties"]?["storageProfile"]?["osDisk"]
        #expect(shown?["diffDiskSettings"] == ["option": "Local", "placement": "CacheDisk"])
        #expect(shown?["managedDisk"] == ["storageAccountType": "Standard_LRS"] && shown?["caching"] == "ReadOnly" && shown?["diskSizeGB"] == 2)
        let disk = try #require(try await disk(world))
        #expect(disk.state == .open && disk.byteCount == 2 << 30 && disk.layers.map(\.keyID) == (isAtHost ? ["platform:1"] : []))
        #expect(world.machines.running.values.first?.disks.map(\.name) == ["os", "temp"])
        #expect(world.host.disks.isEmpty)
        #expect(try await world.arm(services, .get, "disks").body["value"] == [])
        #expect(await refusal { _ = try await world.arm(services, .get, "disks/os1") }?.status == 404)
        // A client that puts back what it has read changes nothing.
        #expect(try await put(world, services, made)["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await self.disk(world)?.dataKeys == disk.dataKeys)
    }

    @Test("Restarts, stops and ends of both servers keep it; deletion destroys it", arguments: [true, false])
    func life(isAtHost: Bool) async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services, Self.body(atHost: isAtHost))
        let first = try #require(try await disk(world))
        for action in ["restart", "powerOff", "start"] { try await post(world, services, action) }
        #expect(try await disk(world)?.dataKeys == first.dataKeys)
        world.host.restart()
        #expect(try await disk(world)?.state == .closed)
        let next = world.start()
        try await next.adopt()
        await next.machineKeeper.keepAll()
        let opened = try await disk(world)
        #expect(opened?.state == .open && opened?.dataKeys == first.dataKeys)
        _ = try await world.arm(next, .delete, "virtualMachines/vm1")
        #expect(world.host.ownDisks.isEmpty)
    }

    @Test("Reimaging and another size give a fresh one, whose guest is set up anew; so does a new host")
    func renewal() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services, Self.body(atHost: true))
        var known = try #require(try await disk(world)).dataKeys
        let temporary = try #require(try await temporary(world)).dataKeys
        func isFresh() async throws -> Bool {
            let now = try #require(try await disk(world))
            defer { known = now.dataKeys }
            return now.dataKeys != known && now.state == .open
        }
        try await post(world, services, "reimage")
        #expect(try await isFresh())
        #expect(try await self.temporary(world)?.dataKeys == temporary)
        try await post(world, services, "reimage", ["tempDisk": true])
        #expect(try await isFresh())
        #expect(try await self.temporary(world)?.dataKeys != temporary)
        try await post(world, services, "redeploy")
        #expect(try await isFresh())
        _ = try await world.arm(services, .patch, "virtualMachines/vm1", ["properties": ["hardwareProfile": ["vmSize": "Standard_D4s_v3"]]])
        #expect(try await isFresh())
        try await post(world, services, "powerOff")
        try await post(world, services, "reimage")
        #expect(world.machines.running.isEmpty)
        try await post(world, services, "start")
        #expect(try await isFresh())
        #expect(world.machines.running.count == 1)
    }

    @Test("It is never deallocated, and encryption at host stays as it was made")
    func deallocation() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        let refused = await refusal { try await post(world, services, "deallocate") }
        #expect(refused?.short == "409 OperationNotAllowed")
        #expect(refused?.message.hasPrefix(
            "Operation 'deallocate' is not supported for VMs or VM Scale Set instances using an ephemeral OS disk.") == true)
        #expect(world.machines.running.count == 1)
        let change: JSONValue = ["properties": ["securityProfile": ["encryptionAtHost": true]]]
        #expect(await refusal { _ = try await world.arm(services, .patch, "virtualMachines/vm1", change) }?.message.contains("ephemeral-host-encryption") == true)
    }

    /// Bodies of machines that cannot be, with the rules that say so.
    static let cases: [(String, JSONValue)] = [
        ("ephemeral-os-disk", body(disks: [["lun": 0, "createOption": "Empty", "diskSizeGB": 1, "diffDiskSettings": ["option": "Local"]]])),
        ("ephemeral-customer-key", body(osDisk(["option": "Local"], ["managedDisk": ["diskEncryptionSet": ["id": .string(World.set("des1").text)]]]), atHost: true)),
        ("ephemeral-from-image", body(osDisk(["option": "Local"], ["createOption": "Attach", "managedDisk": ["id": .string(World.disk("os1").text)]]))),
        ("ephemeral-caching", body(osDisk(["option": "Local"], ["caching": "ReadWrite"]))),
        ("ephemeral-caching", body(osDisk(["option": "Local"], ["caching": "None"]))),
        ("ephemeral-size", body(size: "Standard_D2s_v4")),
        ("ephemeral-size", body(size: "Standard_D2_v3")),
        ("ephemeral-placement", body(size: "Standard_B1s", osDisk(["option": "Local", "placement": "CacheDisk"]))),
        ("ephemeral-placement", body(osDisk(["option": "Local", "placement": "NvmeDisk"]))),
        ("ephemeral-placement", body(size: "Standard_D2ds_v6", osDisk(["option": "Local", "placement": "ResourceDisk"]))),
        ("ephemeral-fit", body(osDisk(["option": "Local"], ["diskSizeGB": 51]))),
        ("ephemeral-fit", body(osDisk(["option": "Local"], ["diskSizeGb": 51]))),
        ("ephemeral-fit", body(osDisk(["option": "Local", "placement": "ResourceDisk"], ["diskSizeGB": 17]))),
    ]

    @Test("What no ephemeral OS disk can be is refused by its rule, and nothing is made", arguments: cases, RuleSet.allCases)
    func rules(broken: (rule: String, body: JSONValue), ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let refused = await refusal { _ = try await put(world, world.start(), broken.body) }
        #expect(refused?.message.contains("(Rule \(broken.rule) of") == true, "\(refused?.message ?? "nothing")")
        #expect(refused?.message.contains("{") == false)
        #expect(world.host.ownDisks.isEmpty && world.host.disks.isEmpty)
        #expect(try await record(world) == nil)
    }

    @Test("A size that is too small is refused in Azure's words")
    func azuresWords() async throws {
        let world = World()
        let refused = await refusal { _ = try await put(world, world.start(), Self.body(Self.osDisk(["option": "Local", "placement": "CacheDisk"], ["diskSizeGB": 64]))) }
        #expect(refused?.short == "409 NotSupported")
        #expect(refused?.message.hasPrefix(
            "OS disk of Ephemeral VM with size greater than 50 GB is not allowed for VM size Standard_D2s_v3 when the DiffDiskPlacement is CacheDisk.") == true)
    }

    @Test("Managed images are not served for it, and other words are refused")
    func others() async throws {
        let world = World()
        let services = world.start()
        for settings in [["option": "Remote"], ["option": "Local", "placement": "Moon"], ["placement": "CacheDisk"]] as [JSONValue] {
            #expect(await refusal { _ = try await put(world, services, Self.body(Self.osDisk(settings))) }?.short == "400 InvalidParameter")
        }
        #expect(EncryptionRule.all.contains { $0.id == "ephemeral-image" })
    }

    @Test("A machine keeps its kind of OS disk, its place and its size")
    func fixed() async throws {
        let world = World()
        let services = world.start()
        _ = try await put(world, services)
        func refused(_ osDisk: JSONValue) async -> APIError? { await refusal { _ = try await put(world, services, Self.body(osDisk)) } }
        for osDisk in [Self.osDisk(["option": "Local", "placement": "ResourceDisk"]), Self.osDisk(["option": "Local"], ["diskSizeGB": 30])] {
            #expect(await refused(osDisk)?.message.contains("Rule ephemeral-fixed ") == true)
        }
        let small: JSONValue = ["properties": ["hardwareProfile": ["vmSize": "Standard_D2s_v4"]]]
        #expect(await refusal { _ = try await world.arm(services, .patch, "virtualMachines/vm1", small) }?.message.contains("Rule ephemeral-size ") == true)
        let other = World()
        let others = other.start()
        _ = try await put(other, others, MachinesTests.body())
        #expect(await refusal { _ = try await put(other, others, Self.body(size: "Standard_B1s")) }?.message.contains("Rule ephemeral-fixed ") == true)
    }

    @Test("The temporary disk has what the OS disk leaves of its place", arguments: [
        ("Standard_D2s_v3", "CacheDisk", 16), ("Standard_D2s_v3", "ResourceDisk", 14), ("Standard_B1s", "ResourceDisk", 2), ("Standard_D2ds_v6", "NvmeDisk", 0),
    ])
    func temporaryDisk(size: String, placement: String, gibibytes: UInt64) async throws {
        let world = World()
        _ = try await put(world, world.start(), Self.body(size: size, Self.osDisk(["option": "Local", "placement": .string(placement)])))
        #expect(try await temporary(world)?.byteCount == (gibibytes == 0 ? nil : gibibytes << 30))
        #expect(try await disk(world)?.byteCount == 2 << 30)
    }

    @Test("Where no place is named it is the cache, or else the temporary disk", arguments: [
        ("Standard_D2s_v3", "CacheDisk"), ("Standard_B1s", "ResourceDisk"), ("Standard_D2ds_v6", "NvmeDisk"),
    ])
    func defaultPlace(size: String, placement: String) async throws {
        let world = World()
        let made = try await put(world, world.start(), Self.body(size: size))
        #expect(made["properties"]?["storageProfile"]?["osDisk"]?["diffDiskSettings"]?["placement"]?.string == placement)
    }

    @Test("Sizes tell whether they have it, and where")
    func capabilities() throws {
        func capability(_ size: String, _ name: String) throws -> String? {
            try MachineSizeSKU(#require(MachineSize.named(size)), location: "uksouth").capabilities.first { $0.name == name }?.value
        }
        #expect(try capability("Standard_D2s_v3", "EphemeralOSDiskSupported") == "True")
        #expect(try capability("Standard_D2s_v3", "CachedDiskBytes") == "53687091200")
        #expect(try capability("Standard_D2s_v3", "SupportedEphemeralOSDiskPlacements") == "CacheDisk,ResourceDisk")
        #expect(try capability("Standard_D2s_v3", "MaxResourceVolumeMB") == "16384")
        #expect(try capability("Standard_D2s_v4", "EphemeralOSDiskSupported") == "False")
        #expect(try capability("Standard_D2s_v4", "SupportedEphemeralOSDiskPlacements") == nil)
        #expect(try capability("Standard_D2ds_v6", "SupportedEphemeralOSDiskPlacements") == "NvmeDisk")
    }

    @Test("Azure Disk Encryption is not for it")
    func guestEncryption() async throws {
        let world = World()
        let services = world.start()
        var body = Self.body()
        if case .object(var members) = body, case .object(var properties)? = members["properties"], case .object(var storage)? = properties["storageProfile"] {
            storage["imageReference"] = ["publisher": "Canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts-gen2", "version": "latest"]
            properties["storageProfile"] = .object(storage)
            members["properties"] = .object(properties)
            body = .object(members)
        }
        _ = try await put(world, services, body)
        let extensionBody: JSONValue = ["properties": ["publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryptionForLinux"]]
        let refused = await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm1/extensions/ade", extensionBody) }
        #expect(refused?.message.contains("Rule guest-ephemeral-disk ") == true, "\(refused?.message ?? "")")
    }

    /// A crash of the server after so many steps; the last one is done or not.
    static let crashes = (1...22).flatMap { [($0, true), ($0, false)] }

    @Test("A crash anywhere in its life leaves a machine that starts with a whole disk, or none and no disk", arguments: crashes)
    func crash(steps: Int, doesLastStep: Bool) async throws {
        for action in ["", "reimage", "restart", "delete"] {
            let world = World()
            if action != "" { _ = try await put(world, world.start(), Self.body(atHost: true)) }
            let ending = world.start(fuse: Fuse(steps: steps, doesLastStep: doesLastStep))
            switch action {
            case "": _ = try? await put(world, ending, Self.body(atHost: true))
            case "delete": _ = try? await world.arm(ending, .delete, "virtualMachines/vm1")
            default: try? await post(world, ending, action)
            }
            world.host.restart()
            let next = world.start()
            try? await next.adopt()
            await next.machineKeeper.keepAll()
            let now = try await record(world)
            if now == nil || now?.phase == .failed { #expect(world.host.ownDisks.isEmpty, "\(action)") }
            if now?.phase == .succeeded {
                try await post(world, next, "start")
                #expect(try await record(world)?.osDisk.ephemeral?.isFilled == true, "\(action)")
                #expect(try await disk(world)?.state == .open, "\(action)")
            }
            _ = try? await world.arm(next, .delete, "virtualMachines/vm1")
            #expect(world.host.ownDisks.isEmpty, "\(action)")
        }
    }

    @Test("An image that cannot be copied fails the machine and leaves nothing")
    func failure() async throws {
        let world = World()
        let reader = DiskImportTests.ReaderDouble()
        reader.letGo(failing: APIError.invalidParameter("The image is damaged."))
        let refused = await refusal { _ = try await put(world, world.start(images: reader)) }
        #expect(refused?.message == "The image is damaged.")
        #expect(world.host.ownDisks.isEmpty)
    }
}
