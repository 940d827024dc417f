import Testing

@testable import CofferIdentity

@Suite struct ActionPatternTests {
    @Test(arguments: [
        ("*", "Microsoft.KeyVault/vaults/write", true),
        ("*/read", "Microsoft.KeyVault/vaults/read", true),
        ("*/read", "Microsoft.KeyVault/vaults/write", false),
        ("Microsoft.KeyVault/vaults/*", "microsoft.keyvault/VAULTS/keys/wrap/action", true),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/keys/read", true),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/a/b/c/read", true),
        ("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/read", false),
        ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write", true),
        ("Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/read", true),
        ("Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys/readMetadata", false),
        ("Microsoft.KeyVault/vaults/keys/read", "Microsoft.KeyVault/vaults/keys", false),
        ("a*b*c", "aXbYbZc", true),
        ("a*b*c", "aXbYbZ", false),
        ("", "", true),
        ("", "x", false),
        ("*", "", true),
        ("**", "anything", true),
    ])
    func `a pattern means what it says`(pattern: String, action: String, isMatch: Bool) {
        #expect(ActionPattern(pattern).matches(action) == isMatch)
    }

    @Test func `a pattern of many stars does not take forever`() {
        let pattern = ActionPattern(String(repeating: "a*", count: 50) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 2000)))
    }
}
