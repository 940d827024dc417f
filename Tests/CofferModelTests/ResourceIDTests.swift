import CofferModel
import Testing

@Suite struct ResourceIDTests {
    private static let vault = "/subscriptions/S1/resourceGroups/G1/providers/Microsoft.KeyVault/vaults/kv1"

    @Test func aResourceHasItsParts() throws {
        let id = try #require(ResourceID(Self.vault + "/keys/k1"))
        #expect(id.subscription == "S1")
        #expect(id.group == "G1")
        #expect(id.namespace == "Microsoft.KeyVault")
        #expect(id.segments == [.init(type: "vaults", name: "kv1"), .init(type: "keys", name: "k1")])
        #expect(id.name == "k1")
        #expect(id.resourceType == "Microsoft.KeyVault/vaults/keys")
        #expect(id.typeAndName == "Microsoft.KeyVault/vaults/kv1/keys/k1")
        #expect(id.isType("microsoft.keyvault/VAULTS/keys"))
        #expect(id.extendedScope == nil)
        #expect(id.text == Self.vault + "/keys/k1")
    }

    @Test func theInitialisersAgreeWithTheParser() {
        #expect(ResourceID(subscription: "S1").text == "/subscriptions/S1")
        #expect(ResourceID(subscription: "S1", group: "G1") == ResourceID("/subscriptions/s1/resourcegroups/g1"))
        let made = ResourceID(subscription: "S1", group: "G1", namespace: "Microsoft.KeyVault", type: "vaults", name: "kv1")
        #expect(made == ResourceID(Self.vault))
        #expect(made.child("keys", "k1") == ResourceID(Self.vault + "/keys/k1"))
    }

    @Test(arguments: ["", "/", "//"])
    func theRootIsASlash(text: String) throws {
        let root = try #require(ResourceID(text))
        #expect(root.text == "/")
        #expect(root.parent == nil)
        #expect(root.name == "")
        #expect(root.contains(try #require(ResourceID(Self.vault))))
    }

    @Test func spellingIsKeptAndCaseDoesNotCount() throws {
        let odd = try #require(ResourceID("//SUBSCRIPTIONS/S1/ResourceGroups/g1//Providers/microsoft.keyvault/Vaults/KV1/"))
        #expect(odd == ResourceID(Self.vault))
        #expect(odd.hashValue == ResourceID(Self.vault)?.hashValue)
        #expect(odd.text == "/subscriptions/S1/resourceGroups/g1/providers/microsoft.keyvault/Vaults/KV1")
        #expect(odd.key == Self.vault.lowercased())
    }

    @Test(arguments: [
        "/subscriptions", "/subscriptions/S/resourceGroups", "/subscriptions/S/other", "/subscriptions/S/providers",
        "/subscriptions/S/providers/N", "/subscriptions/S/providers/N/t", "/subscriptions/S/resourceGroups/G/N/t/n",
        "/subscriptions/S/resourceGroups/G/providers/N/t/n/t2", "/x", "/providers", "/providers/N", "/providers/N/t",
        "/providers/N/providers/M/t/n", "/subscriptions/S/providers/N/providers/M/t/n",
    ])
    func whatIsNoWholeIDIsRefused(text: String) {
        #expect(ResourceID(text) == nil)
    }

    @Test func anExtensionResourceKnowsWhatItExtends() throws {
        let assignment = "/providers/Microsoft.Authorization/roleAssignments/r1"
        for scope in ["/", "/subscriptions/S1", "/subscriptions/S1/resourceGroups/G1", Self.vault, Self.vault + "/keys/k1"] {
            let id = try #require(ResourceID((scope == "/" ? "" : scope) + assignment))
            #expect(id.resourceType == "Microsoft.Authorization/roleAssignments")
            #expect(id.name == "r1")
            let extended = scope.hasSuffix("G1") ? id.parent : id.extendedScope
            #expect(extended == ResourceID(scope), "\(scope)")
            #expect(id.parent == ResourceID(scope), "\(scope)")
        }
    }

    @Test func parentsLeadToTheRoot() throws {
        var texts: [String] = []
        var id = try #require(ResourceID(Self.vault + "/keys/k1/versions/v1"))
        while let parent = id.parent {
            texts.append(parent.text)
            id = parent
        }
        #expect(texts == [Self.vault + "/keys/k1", Self.vault, "/subscriptions/S1/resourceGroups/G1", "/subscriptions/S1", "/"])
    }

    @Test func anIDContainsWhatLiesBelowItAndNotWhatOnlyBeginsAlike() throws {
        let vault = try #require(ResourceID(Self.vault))
        #expect(vault.contains(vault))
        #expect(vault.contains(try #require(ResourceID(Self.vault.uppercased().replacing("SUBSCRIPTIONS", with: "subscriptions") + "/keys/k"))))
        #expect(!vault.contains(try #require(ResourceID(Self.vault + "2"))))
        #expect(!vault.contains(ResourceID(subscription: "S1", group: "G1")))
        #expect(ResourceID(subscription: "S1", group: "G1").contains(vault))
        #expect(!ResourceID(subscription: "S1", group: "G").contains(vault))
        #expect(!ResourceID(subscription: "S").contains(vault))
    }

    @Test func itIsAStringInJSON() throws {
        let id = try #require(ResourceID(Self.vault))
        let json = try JSON.encode([id])
        #expect(String(decoding: json, as: UTF8.self) == "[\"\(Self.vault)\"]")
        #expect(try JSON.decode([ResourceID].self, from: json) == [id])
        #expect(throws: DecodingError.self) { _ = try JSON.decode([ResourceID].self, from: Array(#"["/subscriptions"]"#.utf8)) }
    }
}

extension ResourceIDTests {
    @Test(arguments: ["/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g", "/subscriptions/s/resourceGroups/g/providers/N.S/vaults/V"])
    func aChildIsWhatItsTextSays(_ parent: String) throws {
        let parent = try #require(ResourceID(parent))
        for (type, name) in [("keys", "K1"), ("a/b", "c/d"), ("providers", "x/y/z"), ("Providers", "x"), ("", "k"), ("keys", "")] {
            let child = parent.child(type, name)
            let parsed = ResourceID("\(parent.text)/\(type)/\(name)")
            #expect(child == parsed)
            #expect(child?.text == parsed?.text)
            #expect(child?.segments == parsed?.segments)
            #expect(child?.parent == parsed?.parent)
        }
    }

    @Test func aScopeHoldsWhatLiesBelowItAndNotWhatOnlyBeginsLikeIt() throws {
        let scope = try #require(ResourceID("/subscriptions/s/resourceGroups/G"))
        for inside in ["/subscriptions/s/resourceGroups/g", "/subscriptions/S/resourcegroups/G/providers/N.S/vaults/v"] {
            #expect(scope.contains(try #require(ResourceID(inside))))
        }
        for outside in ["/subscriptions/s", "/subscriptions/s/resourceGroups/g2", "/", "/subscriptions/s/resourceGroups/gg/providers/N.S/vaults/v"] {
            #expect(!scope.contains(try #require(ResourceID(outside))))
        }
    }
}
