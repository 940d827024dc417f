import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// What no client should send to `Microsoft.KeyVault` in Azure Resource Manager, for every path that takes a body.
@Suite struct ManagementBadInputTests {
    static let good: [(path: String, method: APIRequest.Method, body: JSONValue)] = [
        ("vaults/kv1", .put, ["location": "uksouth", "tags": ["a": "b"], "properties": .object(properties)]),
        ("vaults/kv1", .patch, ["location": "uksouth", "tags": ["a": "b"], "properties": .object(properties)]),
        ("vaults/kv1/accessPolicies/add", .put, ["properties": ["accessPolicies": [policy]]]),
        ("vaults/kv1/accessPolicies/remove", .put, ["properties": ["accessPolicies": [policy]]]),
        (
            "vaults/kv1/keys/key1", .put,
            [
                "tags": ["a": "b"],
                "properties": [
                    "kty": "RSA", "keySize": 2048, "keyOps": ["sign"], "curveName": .null, "attributes": ["enabled": true, "nbf": 1, "exp": 2],
                    "rotationPolicy": [
                        "attributes": ["expiryTime": "P1Y"],
                        "lifetimeActions": [["trigger": ["timeBeforeExpiry": "P30D"], "action": ["type": "notify"]]],
                    ],
                ],
            ]
        ),
        (
            "vaults/kv1/secrets/secret1", .put,
            ["tags": ["a": "b"], "properties": ["value": "x", "contentType": "t", "attributes": ["enabled": true, "nbf": 1, "exp": 2]]]
        ),
        (
            "vaults/kv1/secrets/secret1", .patch,
            ["tags": ["a": "b"], "properties": ["value": "x", "contentType": "t", "attributes": ["enabled": true, "nbf": 1, "exp": 2]]]
        ),
        ("checkNameAvailability", .post, ["name": "kv9", "type": "Microsoft.KeyVault/vaults"]),
    ]
    static let policy: JSONValue = [
        "tenantId": .string(VaultFixture.tenant), "objectId": "o", "applicationId": "a",
        "permissions": ["keys": ["get"], "secrets": ["get"], "certificates": ["get"], "storage": ["get"]],
    ]
    static let properties: [String: JSONValue] = VaultFixture.properties.merging([
        "accessPolicies": [policy], "enabledForDeployment": true, "enabledForDiskEncryption": true, "enabledForTemplateDeployment": true,
        "enableSoftDelete": true, "softDeleteRetentionInDays": 90, "enableRbacAuthorization": true, "createMode": "default",
        "enablePurgeProtection": true, "publicNetworkAccess": "Enabled",
        "networkAcls": ["bypass": "None", "defaultAction": "Deny", "ipRules": [["value": "1.2.3.4"]], "virtualNetworkRules": []],
    ]) { $1 }

    static let wrong: [JSONValue] = [
        .null, true, -1, .int(.max), .double(1e300), "", "x", "\u{0}🔐", .string(String(repeating: "A", count: 100_000)), [], [.null], [[[]]],
        [:], ["a": ["b": []]],
    ]

    /// Every way to put another value into a document's place.
    static func variants(of value: JSONValue) -> [JSONValue] {
        var all = wrong
        switch value {
        case .object(let members):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                for variant in variants(of: member) { all.append(.object(members.merging([name: variant]) { $1 })) }
            }
        case .array(let items):
            for (index, item) in items.enumerated() {
                for variant in variants(of: item) {
                    var items = items
                    items[index] = variant
                    all.append(.array(items))
                }
            }
        default: break
        }
        return all
    }

    @Test(arguments: good.indices)
    func valuesThatDoNotFitAreRefusedOrPassedOver(index: Int) async throws {
        let (path, method, body) = Self.good[index]
        let fixture = VaultFixture()
        try await fixture.makeVault()
        try await fixture.setSecret("secret1")
        for variant in Self.variants(of: body) {
            let answer = try await fixture.arm(method, path, variant)
            #expect((200..<500).contains(answer.status), "\(variant)")
            guard answer.status >= 400 else { continue }
            #expect(answer.code?.isEmpty == false)
            #expect((10...2000).contains(answer.message.count), "\(answer.message.prefix(200))")
        }
    }

    @Test(arguments: [
        "vaults/%", "vaults/🔐", "vaults/a b", "vaults/\u{0}", "vaults/-a-", "vaults/\(String(repeating: "a", count: 500))", "vaults/kv1/keys/a_b",
        "vaults/kv1/keys/\u{0}", "vaults/kv1/secrets/a.b", "vaults/kv1/secrets/\(String(repeating: "a", count: 128))", "vaults/kv1/keys/a/versions/x",
        "vaults/kv1/nothing/x", "vaults/kv1/keys/a/b/c/d/e", "vaults/kv1/accessPolicies/fly", "vaults/kv1/accessPolicies/add/x",
        "locations/uksouth/deletedVaults/%", "locations/\u{0}/deletedVaults/kv1", "locations/uksouth/deletedVaults/kv1/fly", "nothing", "",
    ])
    func pathsThatNameNothing(path: String) async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault()
        for method in [APIRequest.Method.get, .head, .put, .patch, .post, .delete] {
            for group in ["rg1", nil] {
                let answer = try await fixture.arm(method, path, ["properties": ["kty": "RSA", "value": "x"]], group: group)
                #expect((200..<500).contains(answer.status), "\(method) \(path.prefix(100))")
                if answer.status >= 400 { #expect((10...2000).contains(answer.message.count), "\(answer.message.prefix(200))") }
            }
        }
    }
}
