import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Unmanaged disks")
struct UnmanagedDisksTests {
    let world = World()

    private static let url = "https://localhost:8443/coffer/v1\(World.id("unmanagedDisks", "old").text).vhd"
    private static let source: JSONValue = ["properties": ["sourceUri": "file:///imports/a.qcow2", "osType": "Linux"]]

    private static func machine(_ vhd: String = url, option: String = "Attach", disks: [JSONValue] = []) -> JSONValue {
        [
            "location": "uksouth",
            "properties": [
                "hardwareProfile": ["vmSize": "Standard_B1s"],
                "storageProfile": [
                    "osDisk": ["name": "old", "osType": "Linux", "createOption": .string(option), "vhd": ["uri": .string(vhd)]],
                    "dataDisks": .array(disks),
                ],
                "networkProfile": ["networkInterfaces": [["id": .string(ResourceID(
                    subscription: World.subscription, group: "rg", namespace: "Microsoft.Network", type: "networkInterfaces", name: "nic1").text)]]],
            ],
        ]
    }

    private func importDisk(_ services: ComputeServices) async throws {
        _ = try await world.arm(services, .put, "unmanagedDisks/old", Self.source)
        while try await world.arm(services, .get, "unmanagedDisks/old").body["properties"]?["provisioningState"] == "Creating" { await Task.yield() }
    }

    @Test("An imported disk is not encrypted, is listed with its URL and is no managed disk")
    func imports() async throws {
        let services = world.start()
        try await importDisk(services)
        let shown = try await world.arm(services, .get, "unmanagedDisks/old").body
        #expect(shown["properties"]?["provisioningState"] == "Succeeded")
        #expect(shown["properties"]?["uri"]?.string == Self.url)
        #expect(shown["properties"]?["encryption"] == "None")
        #expect(try await world.arm(services, .get, "unmanagedDisks").body["value"]?.array?.count == 1)
        #expect(try await world.arm(services, .get, "disks").body["value"]?.array?.isEmpty == true)
        #expect(world.host.disks.values.map(\.layers) == [[]])
        #expect(await refusal { _ = try await world.arm(services, .put, "unmanagedDisks/old", Self.source) }?.short == "409 BlobAlreadyExists")
        #expect(await refusal { _ = try await world.arm(services, .put, "unmanagedDisks/new", ["properties": [:]]) }?.status == 400)
        #expect(try await world.arm(services, .delete, "unmanagedDisks/old").status == 200)
        #expect(try await world.arm(services, .delete, "unmanagedDisks/old").status == 204)
        #expect(world.host.disks.isEmpty)
    }

    @Test("A machine runs from an unmanaged disk, which then is its own")
    func machines() async throws {
        let services = world.start()
        try await importDisk(services)
        let made = try await world.arm(services, .put, "virtualMachines/vm1", Self.machine()).body
        let disk = made["properties"]?["storageProfile"]?["osDisk"]
        #expect(disk?["vhd"]?["uri"]?.string == Self.url)
        #expect(disk?["managedDisk"] == nil)
        #expect(try await world.arm(services, .get, "unmanagedDisks/old").body["managedBy"]?.string == World.id("virtualMachines", "vm1").text)
        #expect(await refusal { _ = try await world.arm(services, .delete, "unmanagedDisks/old") }?.status == 409)
        let managed: JSONValue = ["lun": 0, "name": "d", "createOption": "Empty", "diskSizeGB": 4]
        let mixed = Self.machine(disks: [managed])
        let refused = await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm1", mixed) }
        #expect(refused?.message.contains("Rule one-kind-of-disks") == true)
    }

    @Test(
        "What is no unmanaged disk, or is to be made with the machine, is refused",
        arguments: [
            ("https://account.blob.core.windows.net/vhds/a.vhd", "Attach"), ("", "Attach"), (url, "FromImage"), (url, "Empty"),
            ("https://localhost:8443/coffer/v1\(World.disk("old").text).vhd", "Attach"), (String(url.dropLast(4)), "Attach"),
        ])
    func refusals(uri: String, option: String) async throws {
        let services = world.start()
        try await importDisk(services)
        let refused = await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm1", Self.machine(uri, option: option)) }
        #expect(refused?.short == "400 InvalidParameter")
        #expect(refused?.message.contains("coffer unmanaged-disk") == true)
    }

    @Test("Conversion needs a deallocated machine, and makes its disks managed ones that are encrypted where they lie")
    func conversion() async throws {
        let services = world.start()
        try await importDisk(services)
        _ = try await world.arm(services, .put, "virtualMachines/vm1", Self.machine())
        let early = await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/convertToManagedDisks") }
        #expect(early?.short == "409 OperationNotAllowed")
        #expect(early?.message.contains("Rule conversion-deallocated") == true)
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        world.host.beSlow()
        #expect(try await world.arm(services, .post, "virtualMachines/vm1/convertToManagedDisks").status == 200)
        let disk = try await world.arm(services, .get, "disks/old").body
        #expect(disk["properties"]?["provisioningState"] == "Updating")
        #expect(disk["managedBy"]?.string == World.id("virtualMachines", "vm1").text)
        #expect(await refusal { _ = try await world.arm(services, .get, "unmanagedDisks/old") }?.status == 404)
        // It can be used meanwhile.
        _ = try await world.arm(services, .post, "virtualMachines/vm1/start")
        world.host.finishReencryptions()
        let after = try await world.arm(services, .get, "disks/old").body
        #expect(after["properties"]?["provisioningState"] == "Succeeded")
        #expect(after["properties"]?["encryption"]?["type"] == "EncryptionAtRestWithPlatformKey")
        #expect(try await world.hosted("old")?.layers.map(\.keyID) == ["platform:1"])
        let machine = try await world.arm(services, .get, "virtualMachines/vm1").body["properties"]?["storageProfile"]?["osDisk"]
        #expect(machine?["managedDisk"]?["id"]?.string == World.disk("old").text)
        #expect(machine?["vhd"] == nil)
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/convertToManagedDisks") }?.status == 409)
    }

    @Test("A conversion that a crash interrupts goes on")
    func interruptedConversion() async throws {
        let services = world.start()
        try await importDisk(services)
        _ = try await world.arm(services, .put, "virtualMachines/vm1", Self.machine())
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        world.host.interrupt { if case .reencrypt = $0 { throw DiskFailure(.system, "coffer-diskd cannot be reached") } }
        _ = try await world.arm(services, .post, "virtualMachines/vm1/convertToManagedDisks")
        #expect(try await world.hosted("old")?.layers == [])
        world.host.interrupt(nil)
        try await world.start().adopt()
        #expect(try await world.hosted("old")?.layers.map(\.keyID) == ["platform:1"])
    }

    @Test("A managed disk of the same name is not replaced")
    func conversionConflict() async throws {
        let services = world.start()
        try await importDisk(services)
        _ = try await world.arm(services, .put, "virtualMachines/vm1", Self.machine())
        _ = try await world.arm(services, .post, "virtualMachines/vm1/deallocate")
        try await world.makeDisk(services, "old", set: nil)
        #expect(await refusal { _ = try await world.arm(services, .post, "virtualMachines/vm1/convertToManagedDisks") }?.short == "409 ConflictingUserInput")
        #expect(try await world.arm(services, .get, "unmanagedDisks/old").status == 200)
    }
}
