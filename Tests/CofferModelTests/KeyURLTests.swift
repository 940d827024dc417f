import CofferModel
import Testing

@Suite struct KeyURLTests {
    @Test func aKeyAndAVersionHaveTheirParts() throws {
        let key = try #require(KeyURL("https://kv1.vault.localhost:8443/keys/disk-key"))
        #expect(key.host == "kv1.vault.localhost:8443")
        #expect(key.vault == "kv1")
        #expect(key.name == "disk-key")
        #expect(key.version == nil)
        #expect(key.text == "https://kv1.vault.localhost:8443/keys/disk-key")
        let version = try #require(KeyURL(key.text + "/abc"))
        #expect(version.version == "abc")
        #expect(version == key.with(version: "abc"))
        #expect(version.with(version: nil) == key)
    }

    @Test func hostAndSchemeAreOfAnyCase() {
        #expect(KeyURL("HTTPS://KV1.Vault.localhost/Keys/n/") == KeyURL(host: "kv1.vault.localhost", name: "n", version: nil))
        #expect(KeyURL("https://h/keys/n//v/") == KeyURL(host: "h", name: "n", version: "v"))
    }

    @Test(arguments: [
        "", "https://", "https:///keys/n", "http://h/keys/n", "h/keys/n", "https://h", "https://h/keys", "https://h/keys/",
        "https://h/secrets/n", "https://h/keys/n/v/x", "ftp://h/keys/n", "https//h/keys/n",
    ])
    func whatIsNoURLOfAKeyIsRefused(text: String) {
        #expect(KeyURL(text) == nil)
    }
}
