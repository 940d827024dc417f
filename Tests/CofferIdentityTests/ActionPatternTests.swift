import CofferTesting
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

    /// The definition itself, without a thought for time: a star is nothing, or one more byte and the star again.
    private func means(_ pattern: ArraySlice<UInt8>, _ action: ArraySlice<UInt8>) -> Bool {
        guard let first = pattern.first else { return action.isEmpty }
        if first == UInt8(ascii: "*") {
            return means(pattern.dropFirst(), action) || !action.isEmpty && means(pattern, action.dropFirst())
        }
        return action.first == first && means(pattern.dropFirst(), action.dropFirst())
    }

    @Test func `any pattern matches what its definition says`() {
        var random = SeededRandom(seed: 42)
        var matches = 0
        for _ in 0..<20_000 {
            // Few letters and short texts, so that many pairs match and stars have more than one way to.
            let pattern = (0..<Int.random(in: 0...7, using: &random)).map { _ in Array("aab/*".utf8).randomElement(using: &random) ?? 0 }
            let action = (0..<Int.random(in: 0...9, using: &random)).map { _ in Array("aab/".utf8).randomElement(using: &random) ?? 0 }
            let expected = means(pattern[...], action[...])
            matches += expected ? 1 : 0
            let text = String(decoding: pattern, as: UTF8.self)
            let upper = String(decoding: action, as: UTF8.self).uppercased()
            #expect(ActionPattern(text).matches(upper) == expected, "\(text) \(upper)")
        }
        #expect(matches > 1000)
    }
}
