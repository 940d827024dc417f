import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct SecretAccessTests {
    let fixture = VaultFixture()

    struct Call {
        let operation: String
        let method: APIRequest.Method
        let path: String
        var body: JSONValue?
        /// The end of the data action, and the name in an access policy.
        let action: String
        let policy: String
    }

    let calls = [
        Call(operation: "SecretSet", method: .put, path: "secrets/secret1", body: ["value": "x"], action: "setSecret/action", policy: "set"),
        Call(operation: "SecretGet", method: .get, path: "secrets/secret1", action: "getSecret/action", policy: "get"),
        Call(operation: "SecretList", method: .get, path: "secrets", action: "readMetadata/action", policy: "list"),
        Call(operation: "SecretListVersions", method: .get, path: "secrets/secret1/versions", action: "readMetadata/action", policy: "list"),
        Call(operation: "SecretUpdate", method: .patch, path: "secrets/secret1", body: [:], action: "update/action", policy: "set"),
        Call(operation: "SecretListDeleted", method: .get, path: "deletedsecrets", action: "readMetadata/action", policy: "list"),
        Call(operation: "SecretGetDeleted", method: .get, path: "deletedsecrets/secret1", action: "readMetadata/action", policy: "get"),
        Call(operation: "SecretRecover", method: .post, path: "deletedsecrets/secret1/recover", action: "recover/action", policy: "recover"),
        Call(operation: "SecretPurge", method: .delete, path: "deletedsecrets/secret1", action: "purge/action", policy: "purge"),
        Call(operation: "SecretDelete", method: .delete, path: "secrets/secret1", action: "delete", policy: "delete"),
    ]

    @Test func eachOperationNeedsItsOwnActionAndIsAudited() async throws {
        try await fixture.makeVault()
        for call in calls {
            let token = "only-\(call.operation)"
            fixture.roles.allow(token, "Microsoft.KeyVault/vaults/secrets/\(call.action)", below: "/")
            for other in calls {
                let answer = try await fixture.vault(other.method, other.path, other.body, as: token)
                #expect((answer.status == 403) == (other.action != call.action), "\(token) asks \(other.operation)")
                let event = try #require(fixture.audit.events.last)
                #expect(event.operation == other.operation)
                #expect(event.status == answer.status)
                #expect(event.callerObjectID == token)
                if answer.status == 403 {
                    #expect(answer.innerCode == "ForbiddenByRbac")
                    #expect(answer.message.contains("Action: 'Microsoft.KeyVault/vaults/secrets/\(other.action)'"))
                }
            }
        }
    }

    @Test func eachPolicyPermissionIsGoodForItsOperationsAlone() async throws {
        let names = ["get", "list", "set", "delete", "recover", "purge", "backup", "restore", "all"]
        let policies = names.map { name -> JSONValue in
            ["tenantId": .string(VaultFixture.tenant), "objectId": .string("may-\(name)"), "permissions": ["secrets": [.string(name)]]]
        }
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": false, "accessPolicies": .array(policies)])
        for name in names {
            for call in calls {
                let answer = try await fixture.vault(call.method, call.path, call.body, as: "may-\(name)")
                let isAllowed = name == call.policy || name == "all" && call.policy != "purge"
                #expect((answer.status == 403) == !isAllowed, "\(name) for \(call.operation)")
                if answer.status == 403 { #expect(answer.message.contains("does not have secrets \(call.policy) permission on key vault 'kv1")) }
            }
        }
    }

    @Test func permissionsOnKeysAreNoneOnSecrets() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret()
        fixture.roles.allow("keys", "Microsoft.KeyVault/vaults/keys/*", below: "/")
        for call in calls { #expect(try await fixture.vault(call.method, call.path, call.body, as: "keys").status == 403) }
    }

    @Test func aRoleOnOneSecretIsGoodForThatOneAlone() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("one")
        try await fixture.setSecret("two")
        let scope = "/subscriptions/\(VaultFixture.subscription)/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1/secrets/ONE"
        fixture.roles.allow("narrow", "Microsoft.KeyVault/vaults/secrets/*", below: scope)
        #expect(try await fixture.vault(.get, "secrets/one", as: "narrow").status == 200)
        #expect(try await fixture.vault(.get, "secrets/two", as: "narrow").status == 403)
        #expect(try await fixture.vault(.get, "secrets", as: "narrow").status == 403)
        #expect(try await fixture.vault(.put, "secrets/one", ["value": 5], as: "nobody").status == 403, "before the body is looked at")
    }

    @Test func theAuditTrailHasTheVersionAndNeverTheValue() async throws {
        try await fixture.makeVault()
        let id = try await fixture.setSecret("secret1", "canary-9d1f", ["tags": ["t": "canary-tag"]])
        _ = try await fixture.vault(.get, "secrets/secret1")
        _ = try await fixture.vault(.put, "secrets/secret1", ["value": .string(String(repeating: "canary-9d1f", count: 5000))])
        let events = fixture.audit.events.filter { $0.operation.hasPrefix("Secret") }
        #expect(events.map(\.operation) == ["SecretSet", "SecretGet", "SecretSet"])
        #expect(events.prefix(2).allSatisfy { $0.object == id })
        #expect(!"\(events)".contains("canary"))
    }
}
