import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Who may reach a vault's data plane over the network.
@Suite struct FirewallTests {
    let fixture = VaultFixture()

    func rules(_ ranges: [String] = [], action: String = "Deny", bypass: String = "AzureServices") -> JSONValue {
        [
            "bypass": .string(bypass), "defaultAction": .string(action),
            "ipRules": .array(ranges.map { ["value": .string($0)] }),
        ]
    }

    @Test func withoutRulesEverybodyComesIn() async throws {
        try await fixture.makeVault()
        for address in ["127.0.0.1", "203.0.113.5", "2001:db8::1", ""] {
            #expect(try await fixture.vault(.get, "keys", from: address).status == 200)
        }
    }

    @Test func onlyAddressesWithARuleComeIn() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules(["203.0.113.0/24", "198.51.100.7"])])
        for address in ["203.0.113.5", "198.51.100.7", "::ffff:203.0.113.200"] {
            #expect(try await fixture.vault(.get, "keys", from: address).status == 200, "\(address)")
        }
        for address in ["198.51.100.8", "127.0.0.1", "::1", "2001:db8::1", ""] {
            let refused = try await fixture.vault(.get, "keys", from: address)
            #expect(refused.status == 403, "\(address)")
            #expect(refused.code == "Forbidden")
            #expect(refused.innerCode == "ForbiddenByFirewall")
            #expect(refused.message.hasPrefix("Client address is not authorized and caller is not a trusted service."))
            #expect(refused.message.contains("Vault: kv1;location=uksouth"))
            #expect(refused.message.contains("Caller: appid=app-admin;oid=admin;iss=https://sts.windows.net/"))
            #expect(refused.message.contains("az keyvault"))
        }
    }

    @Test func theRefusalSaysHowToAddTheAddress() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules()])
        let refused = try await fixture.vault(.get, "keys", from: "::ffff:203.0.113.5")
        #expect(refused.message.contains("Client address: 203.0.113.5"))
        #expect(refused.message.contains("az keyvault network-rule add --name kv1 --ip-address 203.0.113.5/32"))
        let six = try await fixture.vault(.get, "keys", from: "2001:db8::1")
        #expect(six.message.contains("connect over IPv4"))
    }

    @Test func aLoopbackClientIsSubjectToTheRulesByEitherAddress() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules()])
        #expect(try await fixture.vault(.get, "keys", from: "127.0.0.1").innerCode == "ForbiddenByFirewall")
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["networkAcls": rules(["127.0.0.1/32"])]])
        #expect(try await fixture.vault(.get, "keys", from: "127.0.0.1").status == 200)
        #expect(try await fixture.vault(.get, "keys", from: "::1").status == 200)
    }

    @Test(arguments: ["Disabled", "SecuredByPerimeter"])
    func aClosedVaultAnswersNobody(access: String) async throws {
        try await fixture.makeVault("kv1", ["publicNetworkAccess": .string(access), "networkAcls": rules(["203.0.113.5"], action: "Allow")])
        let refused = try await fixture.vault(.get, "keys", from: "203.0.113.5")
        #expect(refused.status == 403)
        #expect(refused.code == "Forbidden")
        #expect(refused.innerCode == "ForbiddenByConnection")
        #expect(
            refused.message.hasPrefix(
                "Public network access is disabled and request is not from a trusted service nor via an approved private link.\r\nCaller: "))
        #expect(refused.message.contains("az keyvault update --name kv1 --public-network-access Enabled"))
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["publicNetworkAccess": "Enabled"]])
        #expect(try await fixture.vault(.get, "keys", from: "203.0.113.5").status == 200)
    }

    @Test func theChallengeComesBeforeTheFirewallAndTheFirewallBeforePermissionAndPath() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules()])
        #expect(try await fixture.vault(.get, "keys", as: nil).status == 401)
        #expect(try await fixture.vault(.get, "keys", as: "expired").status == 401)
        for (path, apiVersion) in [("keys", "7.4"), ("nothing/here", "7.4"), ("keys", "1.0")] {
            #expect(try await fixture.vault(.get, path, as: "nobody", apiVersion: apiVersion).innerCode == "ForbiddenByFirewall")
        }
        #expect(try await fixture.vault(.put, "secrets/s", ["value": 5]).innerCode == "ForbiddenByFirewall")
    }

    @Test func refusedRequestsAreInTheAuditTrail() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules()])
        _ = try await fixture.vault(.get, "secrets/secret1", from: "203.0.113.5")
        let event = try #require(fixture.audit.events.last)
        #expect(event.operation == "SecretGet")
        #expect(event.status == 403)
        #expect(event.callerAddress == "203.0.113.5")
        #expect(event.resultDescription?.hasPrefix("Client address is not authorized") == true)
    }

    @Test func theManagementPlaneIsNeverBlocked() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules(), "publicNetworkAccess": "Disabled"])
        #expect(try await fixture.arm(.get, "vaults/kv1").status == 200)
        #expect(try await fixture.arm(.put, "vaults/kv1/secrets/s", ["properties": ["value": "x"]]).status == 200)
    }

    /// `az keyvault network-rule add` and `remove` get the vault, change its rules, and put all of it back.
    @Test func rulesAreAddedAndRemovedByPuttingTheVaultBack() async throws {
        try await fixture.makeVault("kv1", ["networkAcls": rules()])
        var vault = try await fixture.arm(.get, "vaults/kv1").json
        for ranges in [["203.0.113.5/32"], ["203.0.113.5/32", "198.51.100.0/24"], ["198.51.100.0/24"], []] {
            var properties = try #require(vault["properties"]?.object)
            properties["networkAcls"] = rules(ranges)
            var body = try #require(vault.object)
            body["properties"] = .object(properties)
            let put = try await fixture.arm(.put, "vaults/kv1", .object(body))
            #expect(put.status == 200)
            vault = try await fixture.arm(.get, "vaults/kv1").json
            #expect(put.json == vault)
            let shown = vault["properties"]?["networkAcls"]?["ipRules"]?.array ?? []
            #expect(shown.compactMap { $0["value"]?.string } == ranges)
            let isIn = ranges.contains("203.0.113.5/32")
            #expect(try await fixture.vault(.get, "keys", from: "203.0.113.5").status == (isIn ? 200 : 403))
        }
    }

    @Test func rulesForNetworksAreKeptAndNeverMatch() async throws {
        let subnet = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/default"
        let acls: JSONValue = ["defaultAction": "Deny", "virtualNetworkRules": [["id": .string(subnet)]]]
        let made = try await fixture.makeVault("kv1", ["networkAcls": acls])
        #expect(made.json["properties"]?["networkAcls"]?["virtualNetworkRules"]?.array?.first?["id"]?.string == subnet)
        #expect(try await fixture.vault(.get, "keys").innerCode == "ForbiddenByFirewall")
    }

    @Test(arguments: [
        ("Enabled", "Allow", "None", true), ("Enabled", "Deny", "AzureServices", true), ("Enabled", "Deny", "None", false),
        ("Disabled", "Allow", "AzureServices", true), ("Disabled", "Deny", "None", false), ("SecuredByPerimeter", "Allow", "AzureServices", false),
    ])
    func theDiskPlatformIsATrustedService(access: String, action: String, bypass: String, isIn: Bool) async throws {
        try await fixture.makeVault()
        let key = try await fixture.makeKey()
        let identity = Caller(objectID: "admin", applicationID: "a", tenantID: VaultFixture.tenant, address: "")
        let before = try await fixture.changes().count
        _ = try await fixture.arm(
            .patch, "vaults/kv1", ["properties": ["publicNetworkAccess": .string(access), "networkAcls": rules(action: action, bypass: bypass)]])
        for caller in [identity, .platform] {
            do {
                _ = try await fixture.services.keyService.status(of: key, as: caller)
                #expect(isIn)
            } catch let refusal as APIError {
                #expect(!isIn)
                #expect(refusal.status == 403)
                #expect(refusal.code == "KeyVaultAccessForbidden")
                #expect(refusal.message.contains("az keyvault update --name kv1"))
                #expect(fixture.audit.events.last?.status == 403)
            }
        }
        #expect(
            try await fixture.changes().dropFirst(before).map(\.kind) == (isIn ? [] : [.access]),
            "the platform is told when the rules shut it out, and only then")
        _ = try await fixture.arm(
            .patch, "vaults/kv1", ["properties": ["publicNetworkAccess": "Enabled", "networkAcls": rules(action: "Allow")]])
        #expect(try await fixture.services.keyService.status(of: key, as: identity).isEnabled)
        #expect(try await fixture.changes().dropFirst(before).map(\.kind) == (isIn ? [] : [.access, .access]))
    }
}
