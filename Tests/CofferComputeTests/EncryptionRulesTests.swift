import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Testing

@testable import CofferCompute

@Suite("Rules about encryption")
struct EncryptionRulesTests {
    static let otherVault = "/subscriptions/other/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv1"

    /// A PUT of a set that breaks one rule.
    struct Case: Sendable, CustomTestStringConvertible {
        let rule: String
        let error: String
        var ruleSets: [RuleSet] = RuleSet.allCases
        var body: JSONValue = World.setBody()
        var prepare: @Sendable (World) -> Void = { _ in }
        var testDescription: String { rule }

        static func set(_ properties: [String: JSONValue], identity: JSONValue = ["type": "SystemAssigned"]) -> JSONValue {
            ["location": "uksouth", "identity": identity, "properties": .object(properties)]
        }

        static func key(_ url: String, vault: String? = nil) -> JSONValue {
            set(["activeKey": ["keyUrl": .string(url), "sourceVault": vault.map { ["id": .string($0)] } ?? .null]])
        }
    }

    static let cases: [Case] = [
        Case(rule: "key-url-form", error: "400 InvalidParameter", body: Case.key("MyKey")),
        Case(rule: "key-url-form", error: "400 InvalidParameter", body: Case.set(["activeKey": [:]])),
        Case(rule: "key-url-version", error: "400 InvalidParameter", body: World.setBody(nil)),
        Case(rule: "key-url-version", error: "400 InvalidParameter", body: World.setBody(nil, rotates: true)),
        Case(rule: "key-type", error: "400 InvalidParameter", prepare: { $0.vaults.change("kv1", "key1", "v1") { $0.type = "EC" } }),
        Case(rule: "key-size", error: "400 InvalidParameter", prepare: { $0.vaults.change("kv1", "key1", "v1") { $0.bits = 1024 } }),
        Case(rule: "key-enabled", error: "403 KeyVaultKeyDisabled", prepare: { $0.vaults.change("kv1", "key1", "v1") { $0.isEnabled = false } }),
        Case(rule: "key-not-before", error: "403 KeyVaultKeyNotYetValid", prepare: { world in
            world.vaults.change("kv1", "key1", "v1") { $0.notBefore = world.clock.now().adding(.seconds(1)) }
        }),
        Case(rule: "key-expires", error: "403 KeyVaultKeyExpired", prepare: { world in
            world.vaults.change("kv1", "key1", "v1") { $0.expires = world.clock.now() }
        }),
        Case(rule: "vault-purge-protection", error: "400 KeyVaultPurgeProtectionNotEnabled", prepare: {
            $0.vaults.change("kv1") { $0.hasPurgeProtection = false }
        }),
        Case(rule: "vault-region", error: "400 InvalidParameter", prepare: { $0.vaults.change("kv1") { $0.location = "ukwest" } }),
        Case(rule: "vault-subscription", error: "400 InvalidParameter", ruleSets: [.year2021], prepare: { world in
            world.vaults.change("kv1") { $0.id = ResourceID(otherVault) ?? $0.id }
        }),
        Case(rule: "source-vault-match", error: "400 InvalidParameter", body: Case.key(
            World.key("v1"), vault: "/subscriptions/\(World.subscription)/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv2")),
        Case(rule: "source-vault-match", error: "400 InvalidParameter", body: Case.key(World.key("v1"), vault: "kv1")),
        Case(rule: "source-vault-subscription", error: "400 InvalidParameter", ruleSets: [.current], body: Case.key(World.key("v1"), vault: otherVault),
            prepare: { world in world.vaults.change("kv1") { $0.id = ResourceID(otherVault) ?? $0.id } }),
        Case(rule: "set-identity", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]], identity: ["type": "Assigned"])),
        Case(rule: "set-identity", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]], identity: ["type": "None, SystemAssigned"])),
        Case(rule: "set-identity", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]],
            identity: ["type": "UserAssigned", "userAssignedIdentities": ["id1": [:]]])),
        Case(rule: "set-identity", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]],
            identity: ["type": "SystemAssigned", "userAssignedIdentities": [World.identity("id1").text: [:]]])),
        Case(rule: "set-identity-needed", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]], identity: ["type": "UserAssigned"])),
        Case(rule: "set-identity-needed", error: "400 InvalidParameter", body: Case.set(
            ["activeKey": ["keyUrl": .string(World.key("v1"))]], identity: ["type": "None"])),
        Case(rule: "set-type", error: "400 InvalidParameter", body: Case.set([
            "activeKey": ["keyUrl": .string(World.key("v1"))], "encryptionType": "EncryptionAtRest",
        ])),
        Case(rule: "set-type", error: "400 InvalidParameter", body: World.setBody(type: .platformKey)),
    ]

    @Test("A set that breaks a rule is refused with the rule's name", arguments: cases, RuleSet.allCases)
    func setRules(broken: Case, ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        broken.prepare(world)
        let services = world.start()
        let refused = await refusal { _ = try await world.arm(services, .put, "diskEncryptionSets/des1", broken.body) }
        guard broken.ruleSets.contains(ruleSet) else {
            #expect(refused?.message.contains("Rule \(broken.rule) ") != true)
            return
        }
        #expect(refused?.short == broken.error)
        #expect(refused?.message.contains("(Rule \(broken.rule) of the rule set \(ruleSet.rawValue).)") == true, "\(refused?.message ?? "")")
        #expect(refused?.message.contains("{") == false, "\(refused?.message ?? "")")
    }

    @Test("Today's rules allow a vault of another subscription if it is not named as the source")
    func otherSubscription() async throws {
        let world = World(.current)
        world.vaults.change("kv1") { $0.id = ResourceID(Self.otherVault) ?? $0.id }
        #expect(try await world.arm(world.start(), .put, "diskEncryptionSets/des1", World.setBody()).status == 200)
    }

    @Test("docs/rules.md has every rule as it is", arguments: EncryptionRule.all.map(\.id))
    func documented(id: String) throws {
        let rule = try #require(EncryptionRule.all.first { $0.id == id })
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/rules.md"), encoding: .utf8)
        let sets = rule.ruleSets.count == RuleSet.allCases.count ? "both" : rule.ruleSets[0].rawValue
        #expect(text.contains("| `\(rule.id)` | \(sets) | \(rule.status) \(rule.code) | \(rule.sentence) |"))
        #expect(EncryptionRule.all.filter { $0.id == id }.count == 1)
    }

    @Test("Keys of 2048, 3072 and 4096 bits are taken, also from hardware", arguments: [2048, 3072, 4096])
    func sizes(bits: Int) async throws {
        let world = World()
        world.vaults.change("kv1", "key1", "v1") { ($0.bits, $0.type) = (bits, "RSA-HSM") }
        #expect(try await world.arm(world.start(), .put, "diskEncryptionSets/des1", World.setBody()).status == 200)
    }

    @Test("A set keeps its type")
    func typeFixed() async throws {
        let world = World()
        let services = world.start()
        try await world.makeSet(services)
        let refused = await refusal {
            _ = try await world.arm(services, .put, "diskEncryptionSets/des1", World.setBody(type: .platformAndCustomerKeys))
        }
        #expect(refused?.short == "409 PropertyChangeNotAllowed")
        #expect(refused?.message.contains("set-type-fixed") == true)
    }

    /// A PUT of a disk that breaks one rule; there are the sets `des1` (customer key) and `des2` (both keys).
    static let disks: [(rule: String, error: String, body: JSONValue)] = [
        ("set-required", "400 InvalidParameter", World.diskBody(.customerKey)),
        ("set-required", "400 InvalidParameter", World.diskBody(.platformAndCustomerKeys)),
        ("set-with-platform-key", "400 InvalidParameter", World.diskBody(.platformKey, set: "des1")),
        ("set-region", "400 InvalidParameter", World.diskBody(.customerKey, set: "des1", location: "ukwest")),
        ("set-type-match", "400 InvalidParameter", World.diskBody(.platformAndCustomerKeys, set: "des1")),
        ("set-type-match", "400 InvalidParameter", World.diskBody(.customerKey, set: "des2")),
        ("double-encryption-sku", "400 InvalidParameter", World.diskBody(.platformAndCustomerKeys, set: "des2", sku: "UltraSSD_LRS")),
        ("double-encryption-sku", "400 InvalidParameter", World.diskBody(set: "des2", sku: "PremiumV2_LRS")),
    ]

    @Test("A disk that breaks a rule is refused with the rule's name", arguments: disks.indices)
    func diskRules(index: Int) async throws {
        let world = World()
        let services = world.start()
        try await world.makeSet(services, "des1")
        try await world.makeSet(services, "des2", type: .platformAndCustomerKeys)
        let (rule, error, body) = Self.disks[index]
        let refused = await refusal { _ = try await world.arm(services, .put, "disks/disk1", body) }
        #expect(refused?.short == error)
        #expect(refused?.message.contains("Rule \(rule) ") == true, "\(refused?.message ?? "")")
        #expect(refused?.message.contains("{") == false)
        #expect(try await world.record() == nil)
        #expect(world.host.disks.isEmpty)
    }

    /// What a change of a disk's keys comes to under each rule set: the rule that refuses it, or nil.
    static let changes: [(what: String, isAttached: Bool, hasIncremental: Bool, set: String?, type: DiskEncryptionType, rules: [RuleSet: String])] = [
        ("another set", false, false, "des2", .customerKey, [:]),
        ("another set while attached", true, false, "des2", .customerKey,
            [.year2021: "encryption-change-attached", .current: "encryption-change-attached"]),
        ("another set with incremental snapshots", false, true, "des2", .customerKey,
            [.year2021: "incremental-one-set", .current: "incremental-one-set"]),
        ("the platform's key", false, false, nil, .platformKey, [.year2021: "customer-key-kept"]),
        ("the platform's key with incremental snapshots", false, true, nil, .platformKey,
            [.year2021: "customer-key-kept", .current: "incremental-keeps-customer-key"]),
    ]

    @Test("Changes of a disk's keys are as the rule set has them", arguments: changes.indices, RuleSet.allCases)
    func keyChanges(index: Int, ruleSet: RuleSet) async throws {
        let change = Self.changes[index]
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeSet(services, "des2")
        try await world.makeDisk(services)
        if change.hasIncremental {
            _ = try await world.arm(services, .put, "snapshots/snap", DiskLifeTests.copyBody(of: "disk1", incremental: true))
        }
        if change.isAttached { try await world.call(services, "attach") }
        var encryption: [String: JSONValue] = ["type": .string(change.type.rawValue)]
        if let set = change.set { encryption["diskEncryptionSetId"] = .string(World.set(set).text) }
        let body: JSONValue = ["properties": ["encryption": .object(encryption)]]
        let refused = await refusal { _ = try await world.arm(services, .patch, "disks/disk1", body) }
        guard let rule = change.rules[ruleSet] else {
            #expect(refused == nil, "\(change.what): \(refused?.message ?? "")")
            return
        }
        #expect(refused?.message.contains("Rule \(rule) ") == true, "\(change.what): \(refused?.message ?? "nothing")")
        #expect(refused?.status == 409)
        #expect(refused?.message.contains("{") == false)
    }

    @Test("An incremental snapshot has its disk's set; a full one may have another", arguments: RuleSet.allCases)
    func incrementalSets(ruleSet: RuleSet) async throws {
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeSet(services)
        try await world.makeSet(services, "des2")
        try await world.makeDisk(services)
        func put(_ incremental: Bool) async -> APIError? {
            let body = DiskLifeTests.copyBody(of: "disk1", set: "des2", incremental: incremental)
            return await refusal { _ = try await world.arm(services, .put, "snapshots/\(incremental)", body) }
        }
        #expect(await put(true)?.message.contains("Rule incremental-one-set ") == true)
        #expect(await put(false) == nil)
    }

    @Test("A region has as many sets as the rule set allows", arguments: [(RuleSet.year2021, 1000), (.current, 5000)])
    func setLimit(ruleSet: RuleSet, limit: Int) async throws {
        let world = World(ruleSet)
        let services = world.start()
        try await world.makeSet(services)
        let one = try #require(try await world.setRecord())
        try await world.store.write { transaction in
            for number in 1..<limit {
                let id = World.set("filler\(number)")
                let filler = EncryptionSetRecord(
                    id: id, location: one.location, tags: [:], type: one.type, identity: one.identity, activeKey: one.activeKey, rotatesAutomatically: false)
                try transaction.put(filler)
            }
        }
        let refused = await refusal { _ = try await world.arm(services, .put, "diskEncryptionSets/last", World.setBody()) }
        #expect(refused?.message.contains("Rule set-limit-\(limit) ") == true, "\(refused?.message ?? "")")
        world.vaults.change("kv1") { $0.location = "ukwest" }
        #expect(try await world.arm(services, .put, "diskEncryptionSets/last", World.setBody(location: "ukwest")).status == 200)
    }

    @Test("A set of another subscription is refused")
    func setSubscription() async throws {
        let world = World()
        let services = world.start()
        var body = World.diskBody(.customerKey).object ?? [:]
        var properties = body["properties"]?.object ?? [:]
        properties["encryption"] = [
            "diskEncryptionSetId": "/subscriptions/other/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/des1",
        ]
        body["properties"] = .object(properties)
        let put = JSONValue.object(body)
        let refused = await refusal { _ = try await world.arm(services, .put, "disks/disk1", put) }
        #expect(refused?.message.contains("Rule set-subscription ") == true)
    }

    @Test("The words for a platform-key disk with a set are Azure's")
    func azureWords() async throws {
        let world = World()
        let services = world.start()
        try await world.makeSet(services)
        let refused = await refusal { try await world.makeDisk(services, "disk1", type: .platformKey) }
        #expect(refused?.message.hasPrefix("Resource disk1 encrypted with platform key has disk encryption set id specified.") == true)
    }

    @Test("Every rule has an id of its own and a place in the table")
    func table() {
        let ids = EncryptionRule.all.map(\.id)
        #expect(Set(ids).count == ids.count)
        #expect(EncryptionRule.all.allSatisfy { !$0.ruleSets.isEmpty })
    }
}
