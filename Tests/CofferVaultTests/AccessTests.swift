import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct AccessTests {
    let fixture = VaultFixture()
    let digest: JSONValue = ["alg": "RS256", "value": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"]
    let verification: JSONValue = [
        "alg": "RS256", "digest": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE", "value": "AAAA",
    ]
    let message: JSONValue = ["alg": "RSA-OAEP", "value": "AAAA"]

    func calls() -> [(name: String, action: String, method: APIRequest.Method, path: String, body: JSONValue?)] {
        [
            ("KeyGet", "read", .get, "keys/key1", nil), ("KeyList", "read", .get, "keys", nil),
            ("KeyListVersions", "read", .get, "keys/key1/versions", nil),
            ("KeyCreate", "create/action", .post, "keys/key1/create", ["kty": "RSA"]),
            ("KeyUpdate", "update/action", .patch, "keys/key1", [:]),
            ("KeyRotate", "rotate/action", .post, "keys/key1/rotate", nil),
            ("KeyEncrypt", "encrypt/action", .post, "keys/key1//encrypt", message),
            ("KeyDecrypt", "decrypt/action", .post, "keys/key1//decrypt", message),
            ("KeyWrap", "wrap/action", .post, "keys/key1//wrapKey", message),
            ("KeyUnwrap", "unwrap/action", .post, "keys/key1//unwrapKey", message),
            ("KeySign", "sign/action", .post, "keys/key1//sign", digest),
            ("KeyVerify", "verify/action", .post, "keys/key1//verify", verification),
        ]
    }

    @Test func withoutARoleEverythingIsForbiddenAndTheRefusalSaysWhatToDo() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        for call in calls() {
            let answer = try await fixture.vault(call.method, call.path, call.body, as: "nobody")
            #expect(answer.status == 403)
            #expect(answer.code == "Forbidden")
            #expect(answer.innerCode == "ForbiddenByRbac")
            let lines = answer.message.split(separator: "\r\n").map(String.init)
            #expect(lines.first == "Caller is not authorized to perform action on resource.")
            #expect(lines.contains { $0.hasPrefix("Caller: appid=app-nobody;oid=nobody;iss=https://sts.windows.net/\(VaultFixture.tenant)/") })
            #expect(lines.contains("Action: 'Microsoft.KeyVault/vaults/keys/\(call.action)'"))
            #expect(lines.contains("Assignment: (not found)"))
            #expect(lines.contains("Vault: kv1;location=uksouth"))
            let scope = "/subscriptions/\(VaultFixture.subscription)/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1"
            #expect(lines.contains("Resource: '\(scope)\(call.path == "keys" ? "" : "/keys/key1")'"))
            #expect(lines.last?.hasPrefix("To allow it: az role assignment create") == true)
            let event = try #require(fixture.audit.events.last)
            #expect(event.operation == call.name)
            #expect(event.status == 403)
            #expect(event.callerObjectID == "nobody")
        }
    }

    @Test func eachOperationNeedsItsOwnActionAndNoMore() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        for call in calls() {
            let token = "only-\(call.name)"
            fixture.roles.allow(token, "Microsoft.KeyVault/vaults/keys/\(call.action)", below: "/")
            #expect(try await fixture.vault(call.method, call.path, call.body, as: token).status != 403)
            for other in calls() where other.action != call.action {
                let isPublic = call.action == "read" && ["KeyEncrypt", "KeyWrap", "KeyVerify"].contains(other.name)
                let answer = try await fixture.vault(other.method, other.path, other.body, as: token)
                #expect((answer.status == 403) == !isPublic, "\(token) asks \(other.name)")
            }
        }
    }

    @Test func aRoleOnOneKeyIsGoodForThatKeyAlone() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey("key1")
        try await fixture.makeKey("key2")
        let scope = "/subscriptions/\(VaultFixture.subscription)/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1/keys/KEY1"
        fixture.roles.allow("narrow", "Microsoft.KeyVault/vaults/keys/*", below: scope)
        #expect(try await fixture.vault(.get, "keys/key1", as: "narrow").status == 200)
        #expect(try await fixture.vault(.post, "keys/key1//sign", digest, as: "narrow").status == 200)
        #expect(try await fixture.vault(.get, "keys/key2", as: "narrow").status == 403)
        #expect(try await fixture.vault(.get, "keys", as: "narrow").status == 403)
        #expect(try await fixture.vault(.get, "keys/none", as: "narrow").status == 403, "what is forbidden is not told to be missing")
    }

    @Test func permissionIsAskedBeforeTheBodyIsLookedAt() async throws {
        try await fixture.makeVault()
        #expect(try await fixture.vault(.post, "keys/key1/create", ["kty": 5], as: "nobody").status == 403)
    }

    func policy(_ objectID: String, _ keys: [JSONValue], applicationID: String? = nil) -> JSONValue {
        var entry: [String: JSONValue] = [
            "tenantId": .string(VaultFixture.tenant), "objectId": .string(objectID), "permissions": ["keys": .array(keys)],
        ]
        if let applicationID { entry["applicationId"] = .string(applicationID) }
        return .object(entry)
    }

    @Test func aVaultWithoutRolesGoesByItsAccessPolicies() async throws {
        try await fixture.makeVault(
            "kv1",
            [
                "enableRbacAuthorization": false,
                "accessPolicies": [
                    policy("owner", ["All"]), policy("reader", ["get"]), policy("lister", ["LIST"]),
                    policy("app-bound", ["get"], applicationID: "another"), policy("app-fit", ["get"], applicationID: "APP-app-fit"),
                    policy("disks", ["get", "wrapKey", "unwrapKey"]),
                ],
            ])
        #expect(try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"], as: "owner").status == 200)
        for call in calls() { #expect(try await fixture.vault(call.method, call.path, call.body, as: "owner").status != 403) }
        #expect(try await fixture.vault(.get, "keys/key1", as: "reader").status == 200)
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", message, as: "reader").status == 403)
        #expect(try await fixture.vault(.get, "keys/key1", as: "lister").status == 403)
        #expect(try await fixture.vault(.get, "keys", as: "lister").status == 200)
        #expect(try await fixture.vault(.get, "keys/key1/versions", as: "lister").status == 200)
        #expect(try await fixture.vault(.get, "keys/key1", as: "app-bound").status == 403)
        #expect(try await fixture.vault(.get, "keys/key1", as: "app-fit").status == 200)
        #expect(try await fixture.vault(.post, "keys/key1//wrapkey", message, as: "disks").status == 200)
        let refused = try await fixture.vault(.get, "keys/key1", as: "admin")
        #expect(refused.status == 403, "roles count for nothing here")
        #expect(refused.innerCode == "AccessDenied")
        #expect(refused.message.contains("does not have keys get permission on key vault 'kv1;location=uksouth'."))
        #expect(refused.message.contains("az keyvault set-policy --name kv1 --object-id admin"))
    }

    @Test func anAccessPolicyOfAGroupIsGoodForItsMembers() async throws {
        try await fixture.makeVault(
            "kv1",
            ["enableRbacAuthorization": false, "accessPolicies": [policy("owner", ["all"]), policy("Operators", ["get"])]])
        #expect(try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"], as: "owner").status == 200)
        #expect(try await fixture.vault(.get, "keys/key1", as: "ann").status == 403)
        fixture.roles.put("ann", into: ["others", "operators"])
        #expect(try await fixture.vault(.get, "keys/key1", as: "ann").status == 200)
        #expect(try await fixture.vault(.delete, "keys/key1", as: "ann").status == 403)
        fixture.roles.put("ann", into: ["others"])
        let refused = try await fixture.vault(.get, "keys/key1", as: "ann")
        #expect(refused.status == 403 && refused.message.contains(";numgroups=1;"))
    }

    @Test func changingTheModelTakesEffectAtOnceAndIsToldToTheDiskPlatform() async throws {
        try await fixture.makeVault("kv1", ["accessPolicies": [policy("owner", ["all"])]])
        try await fixture.makeKey()
        #expect(try await fixture.vault(.get, "keys/key1", as: "owner").status == 403, "policies count for nothing here")
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["enableRbacAuthorization": false]])
        #expect(try await fixture.vault(.get, "keys/key1", as: "owner").status == 200)
        #expect(try await fixture.vault(.get, "keys/key1").status == 403)
        _ = try await fixture.arm(.patch, "vaults/kv1", ["tags": ["a": "b"]])
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["accessPolicies": []]])
        #expect(try await fixture.changes().map(\.kind) == [.access, .newVersion, .access, .access])
    }

    @Test func everyOperationIsAuditedWithItsKeyVersion() async throws {
        try await fixture.makeVault()
        let before = fixture.audit.events.count
        for call in [calls()[3]] + calls() { _ = try await fixture.vault(call.method, call.path, call.body) }
        let events = fixture.audit.events.dropFirst(before)
        #expect(events.map(\.operation) == ["KeyCreate"] + calls().map(\.name))
        for event in events {
            #expect(event.callerObjectID == "admin")
            #expect(event.callerApplicationID == "app-admin")
            #expect(event.callerAddress == "127.0.0.1")
            #expect(event.correlationID == "request-1")
            #expect(event.operationVersion == "7.6-preview.2")
            #expect(event.clientInfo == "tests")
            #expect(event.resource.name == "kv1")
            #expect(event.requestURI?.hasPrefix("https://kv1.vault.localhost:8443/keys") == true)
            switch event.operation {
            case "KeyList": #expect(event.object == nil)
            case "KeyListVersions": #expect(event.object == "https://kv1.vault.localhost:8443/keys/key1")
            case "KeyDecrypt", "KeyUnwrap": #expect(event.status == 400)
            default:
                #expect(KeyURL(event.object ?? "")?.version != nil)
                #expect(event.key == AuditKey(type: "RSA", size: 2048))
            }
        }
    }

    @Test func theAuditTrailSaysWhatWasAskedForPermissionAndItsAnswer() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await fixture.vault(.get, "keys/key1")
        _ = try await fixture.vault(.get, "keys/key1", as: "owner")
        _ = try await fixture.vault(.get, "keys/none")
        try await fixture.makeVault("kv2", ["enableRbacAuthorization": false, "accessPolicies": [policy("owner", ["list"])]])
        _ = try await fixture.vault(.get, "keys", as: "owner", vault: "kv2")
        _ = try await fixture.vault(.get, "keys/key1", as: "owner", vault: "kv2")
        let events = fixture.audit.events.filter { $0.operation.hasPrefix("Key") }.dropFirst()
        #expect(events.map(\.access) == [
            .roleAssignment(isAuthorized: true), .roleAssignment(isAuthorized: false), nil, .accessPolicy(isMatch: true),
            .accessPolicy(isMatch: false),
        ])
        #expect(fixture.audit.events.first?.operation == "VaultPut")
        #expect(fixture.audit.events.first?.operationVersion == "2026-02-01")
        #expect(fixture.audit.events.first?.access == nil)
    }

    @Test func theAuditTrailNamesTheAlgorithmOfAUse() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await fixture.vault(.post, "keys/key1/encrypt", ["alg": "RSA-OAEP-256", "value": "YQ"])
        #expect(fixture.audit.events.last?.algorithm == "RSA-OAEP-256")
    }

    @Test func theAnswerWaitsForItsAuditRecord() async throws {
        struct BrokenLog: AuditLog {
            func record(_ event: AuditEvent) async throws { throw StoreError.unavailable("full") }
        }
        let audit = VaultAudit(log: BrokenLog(), clock: fixture.clock)
        let id = try #require(ResourceID("/subscriptions/s"))
        let origin = AuditOrigin(started: fixture.clock.now(), address: "", correlationID: "", clientInfo: nil, uri: nil)
        await #expect(throws: StoreError.self) {
            try await audit.recording("KeyGet", on: id, by: nil, from: origin, object: nil) { APIResponse.noContent }
        }
    }
}
