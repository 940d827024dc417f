import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferCompute

@Suite("Azure Disk Encryption: its rules, and disks with a past")
struct GuestEncryptionTests {
    /// A machine that breaks a rule, or none.
    struct Case: Sendable, CustomTestStringConvertible {
        let rule: String?
        var ruleSets: [RuleSet] = RuleSet.allCases
        var size = "Standard_D2s_v3"
        var image: JSONValue = GuestEncryptionTests.image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2")
        var set: String?
        var isAtHost = false
        var volume = "ALL"
        var status = "400 InvalidParameter"
        var testDescription: String { "\(rule ?? "none") \(size) \(volume)" }
    }

    private static func image(_ publisher: String, _ offer: String, _ sku: String) -> JSONValue {
        ["publisher": .string(publisher), "offer": .string(offer), "sku": .string(sku), "version": "latest"]
    }

    static let cases: [Case] = [
        Case(rule: nil),
        Case(rule: nil, size: "Standard_B1ms", volume: "Data"),
        Case(rule: nil, image: image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter")),
        Case(rule: nil, size: "Standard_B1ms", image: image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter"), volume: "OS"),
        Case(rule: "guest-size-basic", size: "Basic_A0"), Case(rule: "guest-size-basic", size: "Standard_A2_v2"),
        Case(rule: "guest-size-temporary-disk", ruleSets: [.year2021], size: "Standard_D2_v4"),
        Case(rule: "guest-size-temporary-disk", ruleSets: [.year2021], size: "Standard_D2s_v4"),
        Case(rule: "guest-size-temporary-disk", ruleSets: [.year2021], size: "Standard_E2s_v4"),
        Case(rule: "guest-size-generation", ruleSets: [.current], size: "Standard_D2ds_v6"),
        Case(rule: "guest-memory", size: "Standard_B1s", volume: "Data"), Case(rule: "guest-memory", size: "Standard_B1ls", volume: "Data"),
        Case(rule: "guest-memory-os", size: "Standard_B2s"), Case(rule: "guest-memory-os", size: "Standard_B2s", volume: "os"),
        Case(rule: "guest-operating-system", image: image("Debian", "debian-12", "12-gen2")),
        Case(rule: "guest-windows-volume", image: image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter"), volume: "DATA"),
        Case(rule: "guest-customer-key", set: "des1", status: "409 OperationNotAllowed"),
        Case(rule: "guest-host-encryption", isAtHost: true, status: "409 OperationNotAllowed"),
    ]

    private static func storage(_ test: Case) -> JSONValue {
        let encryption: JSONValue = test.set.map { ["id": .string(World.set($0).text)] } ?? nil
        return ["imageReference": test.image, "osDisk": ["name": "os1", "createOption": "FromImage", "managedDisk": ["diskEncryptionSet": encryption]]]
    }

    private static func settings(_ volume: String) -> JSONValue {
        [
            "properties": [
                "publisher": "Microsoft.Azure.Security", "type": "AzureDiskEncryptionForLinux", "typeHandlerVersion": "1.1",
                "settings": ["VolumeType": .string(volume), "EncryptionOperation": "EnableEncryption"],
            ]
        ]
    }

    @Test("Each row of the comparison is a rule; what keeps all of them is told that it is not served", arguments: cases, RuleSet.allCases)
    func rows(test: Case, ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeSet(services)
        var extra: [String: JSONValue] = ["storageProfile": Self.storage(test)]
        if test.isAtHost { extra["securityProfile"] = ["encryptionAtHost": true] }
        _ = try await world.arm(services, .put, "virtualMachines/vm1", MachinesTests.body(size: test.size, extra: extra))
        let place = "virtualMachines/vm1/extensions/AzureDiskEncryptionForLinux"
        let refused = await refusal { _ = try await world.arm(services, .put, place, Self.settings(test.volume)) }
        #expect(refused?.message.contains("{") == false)
        guard let rule = test.rule, test.ruleSets.contains(ruleSet) else {
            #expect(refused?.short == "400 NotSupported", "\(refused?.message ?? "")")
            #expect(refused?.message.contains("Azure Disk Encryption") == true)
            return
        }
        #expect(refused?.short == test.status)
        #expect(refused?.message.contains("(Rule \(rule) of the rule set \(ruleSet.rawValue).)") == true, "\(refused?.message ?? "")")
    }

    @Test("Linux machines of custom images, and disks that let their sectors be chosen, have it not")
    func customImage() async throws {
        let world = World()
        let services = world.start()
        try await world.makeDisk(services, "os1", set: nil)
        let storage: JSONValue = ["osDisk": ["createOption": "Attach", "osType": "Linux", "managedDisk": ["id": .string(World.disk("os1").text)]]]
        let body = MachinesTests.body(size: "Standard_D2s_v3", extra: ["storageProfile": storage])
        _ = try await world.arm(services, .put, "virtualMachines/vm1", body)
        let place = "virtualMachines/vm1/extensions/AzureDiskEncryptionForLinux"
        let refused = await refusal { _ = try await world.arm(services, .put, place, Self.settings("OS")) }
        #expect(refused?.message.contains("Rule guest-custom-image ") == true)

        _ = try await world.arm(services, .put, "disks/data1", World.diskBody(sku: "UltraSSD_LRS"))
        let disks = [MachinesTests.disk(0, "data1", "Attach", id: World.disk("data1"))]
        guard case .object(var other) = Self.storage(Case(rule: nil)) else { return }
        other["osDisk"] = ["name": "os2", "createOption": "FromImage"]
        other["dataDisks"] = .array(disks)
        let second = MachinesTests.body(size: "Standard_D2s_v3", extra: [
            "storageProfile": .object(other), "networkProfile": ["networkInterfaces": [["id": .string(MachinesTests.interface.text + "2")]]],
        ])
        _ = try await world.arm(services, .put, "virtualMachines/vm2", second)
        let ultra = await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm2/extensions/x", Self.settings("ALL")) }
        #expect(ultra?.message.contains("Rule guest-disk-sku ") == true, "\(ultra?.message ?? "")")
    }

    @Test("Old systems are told from new ones by their images' names", arguments: [
        ("Canonical", "UbuntuServer", "18.04-LTS", "Linux", true), ("Canonical", "UbuntuServer", "12.04-LTS", "Linux", false),
        ("RedHat", "RHEL", "7.9", "Linux", true), ("RedHat", "RHEL", "6.10", "Linux", false), ("OpenLogic", "CentOS", "7.7", "Linux", true),
        ("SUSE", "sles-15-sp3", "gen2", "Linux", true), ("Oracle", "Oracle-Linux", "8", "Linux", false),
        ("MicrosoftWindowsServer", "WindowsServer", "2008-R2-SP1", "Windows", true),
        ("MicrosoftWindowsServer", "WindowsServer", "2008-SP2", "Windows", false),
        ("MicrosoftWindowsDesktop", "Windows-10", "20h2-pro", "Windows", true), ("MicrosoftWindowsDesktop", "Windows-7", "win7-enterprise", "Windows", false),
    ])
    func systems(publisher: String, offer: String, sku: String, osType: String, isKnown: Bool) {
        #expect(GuestEncryptionSystem.has(publisher: publisher, offer: offer, sku: sku, osType: osType) == isKnown)
    }

    @Test("The OS disks of Linux scale sets have it not")
    func scaleSets() throws {
        let encryption = MachineEncryption(rules: RuleBook(ruleSet: .year2021), store: InMemoryStore(), features: FeaturesDouble())
        #expect(throws: APIError.self) { try encryption.requireGuest(ofScaleSetWith: "Linux", .all) }
        #expect(throws: APIError.self) { try encryption.requireGuest(ofScaleSetWith: "Linux", .os) }
        try encryption.requireGuest(ofScaleSetWith: "Linux", .data)
        try encryption.requireGuest(ofScaleSetWith: "Windows", .all)
    }

    @Test("Other extensions are not served; there are none")
    func otherExtensions() async throws {
        let world = World()
        let services = world.start()
        _ = try await world.arm(services, .put, "virtualMachines/vm1", MachinesTests.body())
        #expect(try await world.arm(services, .get, "virtualMachines/vm1/extensions").body["value"] == [])
        let other: JSONValue = ["properties": ["publisher": "Microsoft.Azure.Extensions", "type": "CustomScript"]]
        #expect(await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm1/extensions/x", other) }?.short == "400 NotSupported")
        #expect(await refusal { _ = try await world.arm(services, .get, "virtualMachines/vm1/extensions/x") }?.status == 404)
        #expect(await refusal { _ = try await world.arm(services, .put, "virtualMachines/vm1/extensions/x", Self.settings("Both")) }?.short == "400 InvalidParameter")
        #expect(await refusal { _ = try await world.arm(services, .get, "virtualMachines/vm9/extensions") }?.status == 404)
    }

    // MARK: Disks with a past

    private func collection(_ world: World, _ services: ComputeServices, _ path: String) async throws -> JSONValue? {
        try await world.arm(services, .get, path).body["properties"]?["encryptionSettingsCollection"]
    }

    private func set(_ world: World, _ services: ComputeServices, _ value: JSONValue, on path: String = "disks/disk1") async throws {
        _ = try await world.arm(services, .patch, path, ["properties": ["encryptionSettingsCollection": value]])
    }

    @Test("A disk keeps for good that it was encrypted in its guest, and so do its copies", arguments: RuleSet.allCases)
    func past(ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services, set: nil)
        try await set(world, services, ["enabled": false])
        #expect(try await collection(world, services, "disks/disk1") == nil)
        let key: JSONValue = ["diskEncryptionKey": ["secretUrl": "https://kv1/secrets/s/1", "sourceVault": ["id": "/v"]]]
        try await set(world, services, ["enabled": true, "encryptionSettings": [key], "encryptionSettingsVersion": "1.1"])
        #expect(try await collection(world, services, "disks/disk1")?["encryptionSettings"]?.array?.count == 1)
        try await set(world, services, ["enabled": false])
        #expect(try await collection(world, services, "disks/disk1") == ["enabled": false, "encryptionSettingsVersion": "1.1"])
        _ = try await world.arm(services, .put, "snapshots/snap", DiskLifeTests.copyBody(of: "disk1", incremental: false))
        let source: JSONValue = ["createOption": "Copy", "sourceResourceId": .string(World.id("snapshots", "snap").text)]
        _ = try await world.arm(services, .put, "disks/copy", ["location": "uksouth", "properties": ["creationData": source]])
        #expect(try await world.record("copy")?.guestEncryption != nil)

        let customer: JSONValue = ["type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": .string(World.set("des1").text)]
        for path in ["disks/disk1", "disks/copy", "snapshots/snap"] {
            let refused = await refusal { _ = try await world.arm(services, .patch, path, ["properties": ["encryption": customer]]) }
            #expect(refused?.short == "409 OperationNotAllowed", "\(path)")
            #expect(refused?.message.contains("Rule customer-key-guest-encrypted ") == true)
        }
        let body = DiskLifeTests.copyBody(of: "disk1", set: "des1", incremental: false)
        #expect(await refusal { _ = try await world.arm(services, .put, "snapshots/other", body) }?.message.contains("customer-key-guest-encrypted") == true)
        try await world.makeUpload(services, "fresh")
        #expect(try await world.record("fresh")?.guestEncryption == nil)
    }

    @Test("A disk with a customer's key cannot be said to be encrypted in its guest, and the settings' version is fixed")
    func refusals() async throws {
        let world = World()
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeDisk(services)
        #expect(await refusal { try await set(world, services, ["enabled": true]) }?.message.contains("customer-key-guest-encrypted") == true)
        try await set(world, services, ["enabled": false])
        try await world.makeDisk(services, "disk2", set: nil)
        try await set(world, services, ["enabled": true, "encryptionSettingsVersion": "1.1"], on: "disks/disk2")
        #expect(await refusal { try await set(world, services, ["enabled": true, "encryptionSettingsVersion": "1.0"], on: "disks/disk2") }?.short
            == "409 PropertyChangeNotAllowed")
        #expect(await refusal { try await set(world, services, ["enabled": true, "encryptionSettingsVersion": "2"], on: "disks/disk2") }?.short
            == "400 InvalidParameter")
        #expect(await refusal { try await set(world, services, ["encryptionSettingsVersion": "1.1"], on: "disks/disk2") }?.short == "400 InvalidParameter")
    }
}
