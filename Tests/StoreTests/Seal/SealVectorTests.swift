import CofferCore
import CofferPlatform
import CofferSeal
import CofferTesting
import Testing

@Suite struct SealVectorTests {
    private static let check = "oMZ81qyTXlRjHukrnSRDmdSgcw9BISBv2POrpVOllwR8dcRxfBP59Q"
    private static let realmKey = "ycug9VEE7eu5IgqxUoZ2cqbcLv5tRc4TnUkJS5WFEpceIHELdvV6Yw"
    private static let box = "01a0a1a2a3a4a5a6a7a8a9aaabbffa684b8799aea53cb7c11965386137fea556f5888f2b"

    /// The vector in docs/formats/seal.md, made by another implementation. If this fails, existing stores no longer open.
    @Test func theVectorOfTheFormatOpens() async throws {
        let store = InMemoryStore()
        try await store.write { transaction in
            try transaction.put("root", in: "seal-checks", body: Self.record(Self.check), if: .absent)
            try transaction.put("vault/kv1", in: "seal-keys", body: Self.record(Self.realmKey), if: .absent)
        }
        let keyring = try await Keyring.open(root: KeyringTests.secret(Array(0..<32)), store: store)
        let box = try #require(Hex.decode(Self.box))
        let secret = try await keyring.open(box, realm: "vault/kv1", name: "keys/k1/v1")
        #expect(KeyringTests.bytes(secret) == Array("hunter2".utf8))
    }

    private static func record(_ key: String) -> [UInt8] { Array(#"{"key":"\#(key)","version":1}"#.utf8) }
}
