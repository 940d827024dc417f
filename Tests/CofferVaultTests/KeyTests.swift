import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyTests {
    let fixture = VaultFixture()

    @Test func whatTheRealClientSendsMakesAKey() async throws {
        try await fixture.makeVault()
        let made = try await fixture.vault(
            .post, "keys/key1/create", ["kty": "RSA", "key_size": 2048, "attributes": ["enabled": true]])
        #expect(made.status == 200)
        let key = try #require(made.json["key"])
        let kid = try #require(KeyURL(key["kid"]?.string ?? ""))
        #expect(kid.host == "kv1.vault.localhost:8443")
        #expect(kid.name == "key1")
        #expect(ObjectVersionID(kid.version ?? "") != nil)
        #expect(key["kty"] == "RSA")
        #expect(key["key_ops"] == ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"])
        #expect(Base64URL.decode(key["n"]?.string ?? "")?.count == 256)
        #expect(key["e"] == "AQAB")
        #expect(key.object?.keys.sorted() == ["e", "key_ops", "kid", "kty", "n"], "nothing of the private half")
        #expect(
            made.json["attributes"] == [
                "enabled": true, "created": 1_767_225_600, "updated": 1_767_225_600, "recoveryLevel": "Recoverable+Purgeable",
                "recoverableDays": 90, "exportable": false, "hsmPlatform": "0",
            ])
        #expect(made.headers["x-ms-keyvault-region"] == "uksouth")
        #expect(made.headers["cache-control"] == "no-cache")
    }

    @Test func everyFormOfTheURLGivesTheSameKey() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey()
        let second = try await fixture.makeKey()
        let version = try #require(second.version)
        for path in ["keys/key1", "keys/key1/", "keys/KEY1", "Keys/key1/\(version)", "keys/key1/\(version.uppercased())/"] {
            #expect(try await fixture.vault(.get, path).json["key"]?["kid"]?.string == second.text)
        }
        let old = try await fixture.vault(.get, "keys/key1/\(first.version ?? "")")
        #expect(old.json["key"]?["kid"]?.string == first.text)
    }

    @Test func recoveryLevelFollowsTheVault() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        try await fixture.makeKey()
        func level() async throws -> JSONValue? {
            try await fixture.vault(.get, "keys/key1").json["attributes"]?["recoveryLevel"]
        }
        #expect(try await level() == "CustomizedRecoverable+Purgeable")
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["enablePurgeProtection": true]])
        #expect(try await level() == "CustomizedRecoverable")
    }

    @Test func fieldsOfLaterVersionsAreLeftOutOfEarlierOnes() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        #expect(try await fixture.vault(.get, "keys/key1", apiVersion: "7.4").json["attributes"]?["hsmPlatform"] == nil)
        #expect(try await fixture.vault(.get, "keys/key1", apiVersion: "2025-07-01").json["attributes"]?["hsmPlatform"] == "0")
    }

    @Test(arguments: [3072, 4096])
    func largerKeysCanBeMade(bits: Int64) async throws {
        try await fixture.makeVault()
        let made = try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA", "key_size": .int(bits)])
        #expect(Base64URL.decode(made.json["key"]?["n"]?.string ?? "")?.count == Int(bits) / 8)
    }

    static let badKeys: [JSONValue] = [
        ["kty": "EC", "crv": "P-255"], ["kty": "RSA-HSM"], ["kty": "OKP"], ["kty": "rsa"], ["kty": ""],
        ["kty": "RSA", "key_size": 1024], ["kty": "RSA", "key_size": 2049], ["kty": "RSA", "key_size": -1],
        ["kty": "RSA", "key_size": 9_223_372_036_854_775_807], ["kty": "RSA", "key_size": "2048"],
        ["kty": "RSA", "key_size": .double(2048.5)], ["kty": "RSA", "public_exponent": 3], ["kty": "RSA", "crv": "P-256"],
        ["kty": "RSA", "key_ops": ["import"]], ["kty": "RSA", "key_ops": ["Encrypt"]], ["kty": "RSA", "key_ops": "encrypt"],
        ["kty": "RSA", "attributes": ["enabled": "yes"]], ["kty": "RSA", "attributes": ["nbf": -1]],
        ["kty": "RSA", "attributes": ["exp": 253_402_300_800]], ["kty": "RSA", "attributes": ["exp": "2030"]],
        ["kty": "RSA", "attributes": ["nbf": 20, "exp": 20]], ["kty": "RSA", "attributes": ["exportable": true]],
        ["kty": "RSA", "release_policy": [:]], ["kty": "RSA", "tags": ["a": 1]], ["kty": "RSA", "tags": []],
        ["kty": "RSA", "tags": .object(Dictionary(uniqueKeysWithValues: (0..<16).map { ("tag\($0)", "") }))],
        ["kty": "RSA", "tags": ["a": .string(String(repeating: "x", count: 257))]],
        ["kty": "RSA", "tags": .object([String(repeating: "x", count: 257): "a"])],
        [:], [], "RSA", 5, .null, ["kty": 5], ["kty": ["RSA"]], ["kty": .null],
    ]

    @Test(arguments: badKeys)
    func keysThatCannotBeMadeAreRefused(body: JSONValue) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.post, "keys/key1/create", body)
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(try await fixture.vault(.get, "keys/key1").code == "KeyNotFound")
        #expect(try await fixture.changes().isEmpty)
    }

    @Test func bodiesThatAreNotJSONAreRefused() async throws {
        try await fixture.makeVault()
        for bytes in [[], [0xFF, 0xFE], Array("{\"kty\":".utf8), Array(String(repeating: "[", count: 5000).utf8)] {
            let plain = try fixture.request(
                .post, "kv1.vault.localhost:8443", ["keys", "key1", "create"], nil, "7.4", token: "admin")
            let request = APIRequest(
                method: .post, host: plain.host, path: plain.path, query: plain.query, headers: plain.headers, body: bytes,
                address: plain.address, requestID: plain.requestID, received: plain.received)
            let answer = try await Answer { try await fixture.services.handler.handle(request) }
            #expect(answer.code == "BadParameter")
        }
    }

    @Test(arguments: [
        "a b", "a_b", "a.b", "käse", "a\u{0}b", "a\r\nb", "..", "%", "😀", "a;b", String(repeating: "a", count: 128),
        String(repeating: "x", count: 100_000),
    ])
    func oddNamesAreRefusedAndNotRepeatedAtLength(name: String) async throws {
        try await fixture.makeVault()
        for (method, path) in [(APIRequest.Method.get, "keys/\(name)"), (.post, "keys/\(name)/create"), (.post, "keys/\(name)//sign")] {
            let answer = try await fixture.vault(method, path, ["kty": "RSA"])
            #expect(answer.status == 400)
            #expect(answer.code == "BadParameter")
            #expect(answer.message.count < 300)
        }
        #expect(fixture.audit.events.allSatisfy { ($0.object?.count ?? 0) < 300 })
    }

    @Test func aSlashInsideANameNeverReachesAScope() async throws {
        try await fixture.makeVault()
        let request = try fixture.request(
            .get, "kv1.vault.localhost:8443", ["keys", "key1/../../other"], nil, "7.4", token: "admin")
        #expect(try await Answer { try await fixture.services.handler.handle(request) }.code == "BadParameter")
    }

    @Test func theLongestNameWorks() async throws {
        try await fixture.makeVault()
        let name = String(repeating: "a", count: 127)
        #expect(try await fixture.makeKey(name).name == name)
        #expect(try await fixture.vault(.get, "keys/\(name)").status == 200)
    }

    @Test(arguments: ["keys/none", "keys/key1/00000000000000000000000000000000", "keys/key1/zz", "keys/key1/käse"])
    func missingKeysAndVersionsAreNotFound(path: String) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let answer = try await fixture.vault(.get, path)
        #expect(answer.status == 404)
        #expect(answer.code == "KeyNotFound")
        #expect(answer.message.hasPrefix("A key with (name/id) "))
    }

    @Test func attributesCanBeChangedButNotTheMaterial() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey()
        let second = try await fixture.makeKey()
        let material = try await fixture.vault(.get, "keys/key1").json["key"]?["n"]
        fixture.clock.advance(by: .seconds(10))
        let patched = try await fixture.vault(
            .patch, "keys/key1",
            ["attributes": ["enabled": false, "nbf": 10, "exp": 2_000_000_000], "key_ops": ["wrapKey", "unwrapKey", "wrapKey"],
             "tags": ["a": "b"]])
        #expect(patched.status == 200)
        #expect(patched.json["key"]?["kid"]?.string == second.text)
        #expect(patched.json["key"]?["key_ops"] == ["wrapKey", "unwrapKey"])
        #expect(patched.json["key"]?["n"] == material)
        #expect(patched.json["attributes"]?["enabled"] == false)
        #expect(patched.json["attributes"]?["nbf"] == 10)
        #expect(patched.json["attributes"]?["exp"] == 2_000_000_000)
        #expect(patched.json["attributes"]?["updated"] == 1_767_225_610)
        #expect(patched.json["attributes"]?["created"] == 1_767_225_600)
        #expect(patched.json["tags"] == ["a": "b"])
        let old = try await fixture.vault(.patch, "keys/key1/\(first.version ?? "")", ["tags": ["c": "d"]])
        #expect(old.json["key"]?["kid"]?.string == first.text)
        #expect(old.json["attributes"]?["enabled"] == true)
        #expect(try await fixture.vault(.get, "keys/key1/").json["tags"] == ["a": "b"])
        #expect(try await fixture.vault(.patch, "keys/key1/", ["attributes": ["exp": 5]]).code == "BadParameter")
        #expect(try await fixture.vault(.patch, "keys/none", [:]).code == "KeyNotFound")
    }

    @Test func changesReachTheDiskPlatformInOrder() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey("Key1")
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        _ = try await fixture.vault(.patch, "keys/key1", ["tags": ["a": "b"]])
        _ = try await fixture.vault(.patch, "keys/key1", ["key_ops": []])
        let rotated = try await fixture.vault(.post, "keys/key1/rotate")
        let second = try #require(KeyURL(rotated.json["key"]?["kid"]?.string ?? ""))
        let changes = try await fixture.changes()
        #expect(changes.map(\.kind) == [.newVersion, .attributes, .attributes, .newVersion], "tags are nobody's business")
        #expect(changes.map(\.version) == [first.version, first.version, first.version, second.version])
        #expect(changes.allSatisfy { $0.key == "Key1" && $0.scope.name == "kv1" })
    }

    @Test func theBellRingsAfterAChange() async throws {
        try await fixture.makeVault()
        var rings = fixture.bell.rings().makeAsyncIterator()
        try await fixture.makeKey()
        #expect(await rings.next() != nil)
        #expect(try await fixture.changes().count == 1)
    }

    @Test func rotationMakesANewVersionOfTheSameKind() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey(
            "key1", ["key_size": 3072, "key_ops": ["wrapKey", "unwrapKey"], "tags": ["a": "b"], "attributes": ["exp": 2_000_000_000]])
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        let rotated = try await fixture.vault(.post, "keys/key1/rotate")
        #expect(rotated.status == 200)
        #expect(rotated.json["key"]?["kid"]?.string != first.text)
        #expect(rotated.json["key"]?["key_ops"] == ["wrapKey", "unwrapKey"])
        #expect(Base64URL.decode(rotated.json["key"]?["n"]?.string ?? "")?.count == 384)
        #expect(rotated.json["tags"] == ["a": "b"])
        #expect(rotated.json["attributes"]?["enabled"] == true)
        #expect(rotated.json["attributes"]?["exp"] == nil)
        #expect(try await fixture.vault(.get, "keys/key1").json["key"] == rotated.json["key"])
        #expect(try await fixture.vault(.get, "keys/key1/\(first.version ?? "")").json["attributes"]?["enabled"] == false)
        #expect(try await fixture.vault(.post, "keys/none/rotate").code == "KeyNotFound")
    }

    @Test func versionsMadeAtTheSameTimeAreAllKept() async throws {
        try await fixture.makeVault()
        let made = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<6 { group.addTask { try await fixture.makeKey().version } }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        let listed = try await fixture.vault(.get, "keys/key1/versions").items.compactMap { KeyURL($0["kid"]?.string ?? "")?.version }
        #expect(Set(listed) == made)
        let current = try await fixture.vault(.get, "keys/key1").json["key"]?["kid"]?.string
        #expect(made.contains(KeyURL(current ?? "")?.version))
    }

    @Test func aVaultThatIsDeletedWhileAKeyIsMadeGetsNoKey() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let vault = try await fixture.services.handler.vaults.vault(host: "kv1.vault.localhost:8443")
        let keys = fixture.services.keys
        let grant = try await AllowEverything().grant(.data("any"), to: VaultFixture.admin, on: vault.id)
        let wanted = try KeySpecification(
            CreateKeyBody(
                kty: "RSA", key_size: nil, public_exponent: nil, key_ops: nil, attributes: nil, tags: nil, crv: nil,
                release_policy: nil))
        // What a request that looked the vault up just before goes on with.
        _ = try await fixture.arm(.delete, "vaults/kv1")
        await #expect(throws: APIError.noVault(at: "kv1")) {
            try await keys.create(try ObjectName("key2"), as: wanted, in: vault, by: grant)
        }
        let attributes = try KeyAttributes(nil, operations: [], tags: nil)
        await #expect(throws: APIError.noVault(at: "kv1")) {
            try await keys.update(nil, of: try ObjectName("key1"), with: attributes, in: vault, by: grant)
        }
        #expect(try await fixture.changes().map(\.kind) == [.newVersion, .deleted])
    }

    @Test(arguments: [
        (APIRequest.Method.get, "", 404), (.get, "nothing", 404), (.get, "keys/a/b/c/d", 404), (.post, "keys/a/fly", 405),
        (.post, "keys", 405), (.delete, "keys/a/00000000000000000000000000000000", 405), (.put, "keys/a/versions", 405),
        (.head, "keys", 405),
    ])
    func otherPathsAndMethodsAreRefused(method: APIRequest.Method, path: String, status: Int) async throws {
        try await fixture.makeVault()
        #expect(try await fixture.vault(method, path).status == status)
    }
}
