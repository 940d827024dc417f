import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct RotationPolicyTests {
    let fixture = VaultFixture()
    private static let day: Duration = .seconds(86_400)

    init() {
        fixture.roles.allow("admin", "Microsoft.KeyVault/vaults/keyrotationpolicies/*", below: "/")
    }

    private func set(_ policy: JSONValue, as token: String = "admin") async throws -> Answer {
        try await fixture.vault(.put, "keys/key1/rotationpolicy", policy, as: token)
    }

    private static func action(_ type: String, _ trigger: JSONValue) -> JSONValue { ["action": ["type": .string(type)], "trigger": trigger] }

    private static func policy(_ actions: [JSONValue], expiry: String? = nil) -> JSONValue {
        ["lifetimeActions": .array(actions), "attributes": .object(expiry.map { ["expiryTime": .string($0)] } ?? [:])]
    }

    private func versions() async throws -> Int { try await fixture.vault(.get, "keys/key1/versions").items.count }

    private func pass(days: Int) async {
        fixture.clock.advance(by: Self.day * days)
        await fixture.services.keeper.runDue()
    }

    @Test func aKeyWithoutAPolicyShowsTheDefault() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let shown = try await fixture.vault(.get, "keys/key1/rotationpolicy")
        #expect(shown.status == 200)
        #expect(shown.json["id"]?.string == "https://kv1.vault.localhost:8443/keys/key1/rotationpolicy")
        #expect(shown.json["lifetimeActions"] == [Self.action("Notify", ["timeBeforeExpiry": "P30D"])])
        #expect(try await fixture.vault(.get, "keys/none/rotationpolicy").code == "KeyNotFound")
    }

    @Test func aPolicyComesBackAsItWasSet() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let answer = try await set(
            Self.policy(
                [Self.action("rotate", ["timeAfterCreate": "p90d"]), Self.action("NOTIFY", ["timeBeforeExpiry": "P1M"])], expiry: "P2Y"))
        #expect(answer.status == 200, "\(answer.message)")
        let shown = try await fixture.vault(.get, "keys/key1/rotationpolicy").json
        #expect(
            shown["lifetimeActions"]
                == [Self.action("Rotate", ["timeAfterCreate": "P90D"]), Self.action("Notify", ["timeBeforeExpiry": "P1M"])])
        #expect(shown["attributes"]?["expiryTime"]?.string == "P2Y")
        #expect(shown["attributes"]?["created"]?.int == fixture.clock.now().seconds)
    }

    @Test(arguments: [
        policy([action("Rotate", ["timeAfterCreate": "P6D"])]),
        policy([action("Rotate", ["timeAfterCreate": "90 days"])]),
        policy([action("Rotate", ["timeAfterCreate": "PT200H"])]),
        policy([action("Rotate", ["timeBeforeExpiry": "P30D"])]),
        policy([action("Notify", ["timeBeforeExpiry": "P30D"])]),
        policy([action("Notify", ["timeAfterCreate": "P30D"])], expiry: "P1Y"),
        policy([action("Rotate", ["timeBeforeExpiry": "P6D"])], expiry: "P1Y"),
        policy([action("Rotate", ["timeBeforeExpiry": "P1Y"])], expiry: "P1Y"),
        policy([action("Rotate", ["timeAfterCreate": "P1Y"])], expiry: "P1Y"),
        policy([action("Rotate", [:])]),
        policy([action("Rotate", ["timeAfterCreate": "P30D", "timeBeforeExpiry": "P30D"])], expiry: "P1Y"),
        policy([action("Delete", ["timeAfterCreate": "P30D"])]),
        policy([action("Rotate", ["timeAfterCreate": "P30D"]), action("Rotate", ["timeAfterCreate": "P60D"])]),
        policy([], expiry: "P27D"),
        ["lifetimeActions": "often"], ["lifetimeActions": [["trigger": [:]]]], [],
    ])
    func policiesThatMakeNoSenseAreRefused(policy: JSONValue) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let answer = try await set(policy)
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(try await fixture.vault(.get, "keys/key1/rotationpolicy").json["attributes"]?["expiryTime"] == nil)
    }

    @Test func theKeeperRotatesWhenItIsTime() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey("key1", ["tags": ["a": "b"]])
        _ = try await set(Self.policy([Self.action("Rotate", ["timeAfterCreate": "P30D"])], expiry: "P90D"))
        await pass(days: 29)
        #expect(try await versions() == 1)
        await pass(days: 1)
        #expect(try await versions() == 2)
        let current = try await fixture.vault(.get, "keys/key1").json
        #expect(current["key"]?["kid"]?.string != first.text)
        #expect(current["tags"] == ["a": "b"])
        #expect(current["attributes"]?["exp"]?.int == fixture.clock.now().seconds + 90 * 86_400)
        #expect(fixture.audit.events.filter { $0.operation == "KeyRotateIfDue" }.count == 1)
        #expect(try await fixture.changes().map(\.kind) == [.newVersion, .newVersion])
        await pass(days: 30)
        #expect(try await versions() == 3)
        await fixture.services.keeper.runDue()
        #expect(try await versions() == 3)
    }

    @Test func aLongAbsenceMakesOneVersion() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await set(Self.policy([Self.action("Rotate", ["timeAfterCreate": "P30D"])]))
        await pass(days: 1000)
        #expect(try await versions() == 2)
    }

    @Test func rotationCountsBackFromTheExpiry() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await set(Self.policy([Self.action("Rotate", ["timeBeforeExpiry": "P10D"])], expiry: "P60D"))
        // The first version has no expiry until it is given one.
        await pass(days: 100)
        #expect(try await versions() == 1)
        _ = try await fixture.vault(.post, "keys/key1/rotate")
        await pass(days: 49)
        #expect(try await versions() == 2)
        await pass(days: 1)
        #expect(try await versions() == 3)
    }

    @Test func anExpiryIsAnnouncedOnce() async throws {
        try await fixture.makeVault()
        let expiry = fixture.clock.now().seconds + 60 * 86_400
        let url = try await fixture.makeKey("key1", ["attributes": ["exp": .int(expiry)]])
        _ = try await set(Self.policy([Self.action("Notify", ["timeBeforeExpiry": "P20D"])], expiry: "P1Y"))
        func notices() -> [AuditEvent] { fixture.audit.events.filter { $0.operation == "KeyNearExpiryEventGridNotification" } }
        await pass(days: 39)
        #expect(notices().isEmpty)
        await pass(days: 1)
        #expect(notices().map(\.object) == [url.text])
        await pass(days: 5)
        #expect(notices().count == 1)
        #expect(try await versions() == 1)
    }

    @Test func aDisabledKeyIsNotRotatedUntilItIsEnabled() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await set(Self.policy([Self.action("Rotate", ["timeAfterCreate": "P30D"])]))
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        await pass(days: 40)
        #expect(try await versions() == 1)
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": true]])
        await fixture.services.keeper.runDue()
        #expect(try await versions() == 2)
    }

    @Test func deletedKeysAndVaultsRestAndGoOnWhenTheyAreBack() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await set(Self.policy([Self.action("Rotate", ["timeAfterCreate": "P30D"])]))
        _ = try await fixture.vault(.delete, "keys/key1")
        await pass(days: 31)
        _ = try await fixture.vault(.post, "deletedkeys/key1/recover")
        await fixture.services.keeper.runDue()
        #expect(try await versions() == 2)
        _ = try await fixture.arm(.delete, "vaults/kv1")
        await pass(days: 31)
        _ = try await fixture.arm(
            .put, "vaults/kv1", ["location": "uksouth", "properties": .object(VaultFixture.properties.merging(["createMode": "recover"]) { $1 })])
        #expect(try await versions() == 2)
        fixture.clock.advance(by: .seconds(3600))
        await fixture.services.keeper.runDue()
        #expect(try await versions() == 3)
    }

    @Test func readingAndSettingNeedTheirOwnPermissions() async throws {
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": true])
        try await fixture.makeKey()
        fixture.roles.allow("keys", "Microsoft.KeyVault/vaults/keys/*", below: "/")
        #expect(try await fixture.vault(.get, "keys/key1/rotationpolicy", as: "keys").status == 403)
        #expect(try await set(Self.policy([]), as: "keys").status == 403)
        fixture.roles.allow("keys", "Microsoft.KeyVault/vaults/keyrotationpolicies/read", below: "/")
        #expect(try await fixture.vault(.get, "keys/key1/rotationpolicy", as: "keys").status == 200)
        #expect(try await set(Self.policy([]), as: "keys").status == 403)
    }
}
