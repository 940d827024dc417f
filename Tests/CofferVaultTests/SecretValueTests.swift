import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// What a secret may hold, and what its requests may not.
@Suite struct SecretValueTests {
    let fixture = VaultFixture()

    @Test(arguments: [
        "", " ", "plain", "two\nlines\r\n", "\u{0}\u{1}\u{1F}\u{7F}", "\"\\/", "a\u{301} and \u{e1}", "日本語 🔐 عربى", "\u{feff}bom",
        "\u{2028}\u{2029}", "{\"json\":[1,2]}", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ])
    func everyTextComesBackAsItWasSet(value: String) async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", value)
        let read = try await fixture.vault(.get, "secrets/secret1").json["value"]?.string
        #expect(read.map { Array($0.utf8) } == Array(value.utf8))
    }

    @Test(arguments: ["a", "é", "🔐"])
    func aValueHasUpTo25600BytesOfUTF8(character: String) async throws {
        try await fixture.makeVault()
        let largest = String(repeating: character, count: 25_600 / character.utf8.count)
        #expect(largest.utf8.count == 25_600)
        try await fixture.setSecret("secret1", largest)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"]?.string == largest)
        let refused = try await fixture.vault(.put, "secrets/secret1", ["value": .string(largest + "a")])
        #expect(refused.status == 400)
        #expect(refused.code == "BadParameter")
        #expect(refused.message.contains("25601"))
        #expect(!refused.message.contains(largest))
        #expect(try await fixture.vault(.get, "secrets/secret1/versions").items.count == 1)
    }

    @Test(arguments: [
        [:], ["value": .null], ["value": 5], ["value": true], ["value": ["a"]], ["value": ["a": "b"]], [], "text", 5, .null,
        ["value": "x", "contentType": 5], ["value": "x", "tags": "x"], ["value": "x", "tags": ["a": 5]], ["value": "x", "tags": ["a": .null]],
        ["value": "x", "attributes": "x"], ["value": "x", "attributes": ["enabled": "yes"]], ["value": "x", "attributes": ["enabled": 1]],
        ["value": "x", "attributes": ["nbf": "2030-01-01"]], ["value": "x", "attributes": ["nbf": .double(1.5)]],
        ["value": "x", "attributes": ["exp": -1]], ["value": "x", "attributes": ["exp": 253_402_300_800]],
        ["value": "x", "attributes": ["nbf": 2000, "exp": 2000]], ["value": "x", "attributes": ["nbf": .int(.max)]],
        ["value": "x", "contentType": .string(String(repeating: "c", count: 256))],
        ["value": "x", "tags": .object(Dictionary(uniqueKeysWithValues: (0..<16).map { ("tag\($0)", JSONValue.string("v")) }))],
        ["value": "x", "tags": .object([String(repeating: "n", count: 513): "v"])], ["value": "x", "tags": ["n": .string(String(repeating: "v", count: 513))]],
    ] as [JSONValue])
    func bodiesThatDoNotFitAreBadParameters(body: JSONValue) async throws {
        try await fixture.makeVault()
        let refused = try await fixture.vault(.put, "secrets/secret1", body)
        #expect(refused.status == 400)
        #expect(refused.code == "BadParameter")
        #expect(!refused.message.isEmpty)
        #expect(fixture.audit.events.last?.operation == "SecretSet")
        #expect(fixture.audit.events.last?.status == 400)
        #expect(try await fixture.vault(.get, "secrets").items.isEmpty)
        guard body["value"] == "x" else { return }
        try await fixture.setSecret("secret1", "kept", ["attributes": ["exp": 1_900_000_000]])
        #expect(try await fixture.vault(.patch, "secrets/secret1", body).code == "BadParameter")
        #expect(try await fixture.vault(.get, "secrets/secret1").json["attributes"]?["exp"] == 1_900_000_000)
    }

    @Test func whatJustFitsIsTaken() async throws {
        try await fixture.makeVault()
        let tags = Dictionary(uniqueKeysWithValues: (0..<15).map { ("\($0)" + String(repeating: "n", count: 510), JSONValue.string("v")) })
        let answer = try await fixture.vault(.put, "secrets/secret1", [
            "value": "x", "contentType": .string(String(repeating: "é", count: 255)), "tags": .object(tags),
            "attributes": ["nbf": 0, "exp": 253_402_300_799], "unknown": ["field": 1],
        ])
        #expect(answer.status == 200)
        #expect(answer.json["tags"]?.object?.count == 15)
    }

    @Test(arguments: [
        "a_b", "a.b", "a b", "%41", "é", "..", "a\u{0}b", "a\nb", "a:b", "🔐", String(repeating: "a", count: 128), "a?b", "*",
    ])
    func namesAreLettersDigitsAndHyphens(name: String) async throws {
        try await fixture.makeVault()
        let set = try await fixture.vault(.put, "secrets/\(name)", ["value": "x"])
        #expect(set.status == 400)
        #expect(set.code == "BadParameter")
        #expect(set.message.count < 400)
        #expect(try await fixture.vault(.get, "secrets/\(name)").code == "BadParameter")
        #expect(try await fixture.vault(.delete, "deletedsecrets/\(name)").code == "BadParameter")
    }

    @Test(arguments: ["a", "0", "-", "versions", "restore", String(repeating: "Aa9-", count: 31) + "abc"])
    func allNamesOfLettersDigitsAndHyphensAreGood(name: String) async throws {
        try await fixture.makeVault()
        try await fixture.setSecret(name, "x")
        #expect(try await fixture.vault(.get, "secrets/\(name)").json["value"] == "x")
    }
}
