import CofferModel
import CofferPlatform
import Testing

@testable import CofferVault

/// What a vault's interface is said to be, and what of it belongs to others.
@Suite struct VaultOperationsTests {
    @Test func everyDataActionThatIsCheckedIsListedOnce() {
        let checked: [any ObjectPermission] = KeyPermission.allCases + SecretPermission.allCases + CertificatePermission.allCases
        let listed = VaultOperations.all.filter(\.isDataAction).map(\.name)
        #expect(Set(listed) == Set(checked.map(\.action.name)))
        #expect(listed.count == Set(listed).count)
        let management = VaultOperations.all.filter { !$0.isDataAction }.map(\.name)
        #expect(management.count == Set(management).count)
        #expect(VaultOperations.all.contains { !$0.isDataAction && $0.name == "Microsoft.KeyVault/vaults/write" })
    }

    @Test(arguments: [
        (APIRequest.Method.get, "storage", "retired"), (.delete, "deletedstorage/a", "retired"), (.post, "backup", "managed HSM"),
        (.get, "restore/1/pending", "managed HSM"), (.get, "settings", "Only managed HSMs have settings"),
        (.post, "securitydomain/download", "security domain"), (.put, "keys/k/restore", "restore one key"),
        (.get, "keys/providers/Microsoft.Authorization/roleAssignments", "az role assignment create"),
        (.get, "providers/Microsoft.Authorization/roleDefinitions", "az role assignment create"),
    ])
    func pathsOfOthersSayWhoseTheyAre(method: APIRequest.Method, path: String, sentence: String) async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault()
        let answer = try await fixture.vault(method, path)
        #expect(answer.status == 404)
        #expect(answer.code == "NotFound")
        #expect(answer.message.contains(sentence))
    }

    @Test func aPathThatNobodyHasSaysWhatThereIs() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault()
        #expect(try await fixture.vault(.get, "nothing").message.contains("Keys are under /keys"))
        #expect(try await fixture.vault(.put, "keys/k/versions").status == 405)
    }
}
