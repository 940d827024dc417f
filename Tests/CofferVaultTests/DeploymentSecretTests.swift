import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Secrets as parameters of deployments.
@Suite struct DeploymentSecretTests {
    private static let vault = ResourceID(
        subscription: VaultFixture.subscription, group: "rg1", namespace: "Microsoft.KeyVault", type: "vaults", name: "kv1")
    private static let deployer = Caller(objectID: "deployer", applicationID: "app", tenantID: VaultFixture.tenant, address: "127.0.0.2")

    private func read(
        _ fixture: VaultFixture, _ name: String = "s", version: String? = nil, vault: ResourceID = Self.vault
    ) async throws -> String {
        let value = try await fixture.services.deploymentSecrets.deploymentSecret(name, version: version, in: vault, for: Self.deployer)
        return value.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
    }

    private func refusal(_ fixture: VaultFixture, _ name: String = "s", version: String? = nil, vault: ResourceID = Self.vault) async throws -> APIError? {
        do {
            _ = try await read(fixture, name, version: version, vault: vault)
            return nil
        } catch let error as APIError {
            return error
        }
    }

    @Test func whoMayDeployFromTheVaultReadsForAParameter() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault("kv1", ["enabledForTemplateDeployment": true, "enableRbacAuthorization": true])
        _ = try await fixture.vault(.put, "secrets/s", ["value": "first"])
        let id = try await fixture.vault(.put, "secrets/s", ["value": "second"]).json["id"]?.string ?? ""
        // Permission on the secret itself is neither needed nor enough.
        fixture.roles.allow("deployer", "Microsoft.KeyVault/vaults/secrets/getSecret/action", below: "/")
        #expect(try await refusal(fixture)?.code == "KeyVaultParameterReferenceAuthorizationFailed")
        fixture.roles.revokeAll("deployer")
        fixture.roles.allow("deployer", "Microsoft.KeyVault/vaults/deploy/action", below: Self.vault.text)
        #expect(try await read(fixture) == "second")
        #expect(try await read(fixture, version: id.split(separator: "/").last.map(String.init)) == "second")
        let events = fixture.audit.events.filter { $0.operation == "SecretGet" && $0.callerObjectID == "deployer" }
        #expect(events.map(\.status) == [403, 200, 200])
        #expect(events.last?.object?.contains("/secrets/s/") == true)
    }

    @Test func aVaultThatIsNotEnabledGivesNothing() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": true])
        _ = try await fixture.vault(.put, "secrets/s", ["value": "first"])
        fixture.roles.allow("deployer", "Microsoft.KeyVault/vaults/deploy/action", below: "/")
        let refusal = try await refusal(fixture)
        #expect(refusal?.status == 403)
        #expect(refusal?.message.contains("--enabled-for-template-deployment true") == true)
    }

    @Test func whatIsNotThereIsToldByName() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault("kv1", ["enabledForTemplateDeployment": true, "enableRbacAuthorization": true])
        fixture.roles.allow("deployer", "Microsoft.KeyVault/vaults/deploy/action", below: "/")
        #expect(try await refusal(fixture, "none")?.message.contains("/secrets/none") == true)
        #expect(try await refusal(fixture, "a/b")?.status == 400)
        let elsewhere = ResourceID(
            subscription: VaultFixture.subscription, group: "rg2", namespace: "Microsoft.KeyVault", type: "vaults", name: "kv1")
        #expect(try await refusal(fixture, vault: elsewhere)?.code == "KeyVaultParameterReferenceNotFound")
    }
}
