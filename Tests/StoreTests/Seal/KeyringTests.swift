import CofferCore
import CofferPlatform
import CofferSeal
import CofferTesting
import Testing

@Suite struct KeyringTests {
    static func secret(_ bytes: [UInt8]) -> SecretBytes { unsafe SecretBytes(copying: bytes.span.bytes) }
    static func root(_ byte: UInt8 = 1) -> SecretBytes { secret(Array(repeating: byte, count: 32)) }

    static func bytes(_ secret: borrowing SecretBytes) -> [UInt8] {
        secret.withBytes { span in (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) } }
    }

    @Test(arguments: StoreKind.available)
    func whatWasSealedOpensAlsoAfterARestart(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let first = try await Keyring.open(root: Self.root(), store: store)
            let values: [[UInt8]] = [[], [0], Array("hunter2".utf8), Array(repeating: 9, count: 5000)]
            var boxes: [[UInt8]] = []
            for value in values { boxes.append(try await first.seal(Self.secret(value), realm: "vault-é", name: "a\0b")) }
            let second = try await Keyring.open(root: Self.root(), store: store)
            for keyring in [first, second] {
                for (box, value) in zip(boxes, values) {
                    #expect(Self.bytes(try await keyring.open(box, realm: "vault-é", name: "a\0b")) == value)
                }
            }
        }
    }

    @Test func aBoxOpensOnlyAtItsPlaceAndUnaltered() async throws {
        let store = InMemoryStore()
        let keyring = try await Keyring.open(root: Self.root(), store: store)
        let box = try await keyring.seal(Self.secret(Array("hunter2".utf8)), realm: "a", name: "b/c")
        _ = try await keyring.seal(Self.secret([1]), realm: "a/b", name: "c")
        for (realm, name) in [("a", "b/d"), ("a", ""), ("a/b", "c"), ("never", "b/c"), ("A", "b/c")] {
            #expect(await Self.refusal(of: box, keyring, realm: realm, name: name) == .notAuthentic)
        }
        for index in box.indices {
            var altered = box
            altered[index] ^= 1
            #expect(await Self.refusal(of: altered, keyring) == .notAuthentic)
        }
        for length in [0, 1, 12, 13, 28, box.count - 1] {
            #expect(await Self.refusal(of: Array(box.prefix(length)), keyring) == .notAuthentic)
        }
        #expect(await Self.refusal(of: box, keyring) == nil)
    }

    private static func refusal(of box: [UInt8], _ keyring: Keyring, realm: String = "a", name: String = "b/c") async -> SealError? {
        do {
            _ = try await keyring.open(box, realm: realm, name: name).count
            return nil
        } catch {
            return error as? SealError
        }
    }

    @Test func theSameSecretIsNeverSealedAlike() async throws {
        let keyring = try await Keyring.open(root: Self.root(), store: InMemoryStore())
        var boxes: Set<[UInt8]> = []
        for _ in 0..<100 { boxes.insert(try await keyring.seal(Self.secret([1, 2, 3]), realm: "a", name: "b")) }
        #expect(boxes.count == 100)
        #expect(boxes.allSatisfy { $0.count == 3 + 29 && $0[0] == 1 })
    }

    @Test func anotherRootKeyIsToldAtOpening() async throws {
        let store = InMemoryStore()
        _ = try await Keyring.open(root: Self.root(1), store: store)
        await #expect(throws: SealError.wrongRootKey) { _ = try await Keyring.open(root: Self.root(2), store: store) }
        _ = try await Keyring.open(root: Self.root(1), store: store)
    }

    @Test(arguments: StoreKind.available)
    func replicasThatStartTogetherAgreeOnEveryKey(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let boxes = try await withThrowingTaskGroup { group in
                for number in 0..<8 {
                    group.addTask {
                        let keyring = try await Keyring.open(root: Self.root(), store: store)
                        return try await keyring.seal(Self.secret([UInt8(number)]), realm: "shared", name: "n")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let keyring = try await Keyring.open(root: Self.root(), store: store)
            var opened: Set<UInt8> = []
            for box in boxes { opened.formUnion(Self.bytes(try await keyring.open(box, realm: "shared", name: "n"))) }
            #expect(opened == Set(0..<8))
        }
    }

    /// Swift holds both spellings for one text; a cache by text would seal one realm's values under the other's key, which
    /// after a restart would not open.
    @Test func twoSpellingsOfOneLetterAreTwoRealms() async throws {
        let store = InMemoryStore()
        let first = try await Keyring.open(root: Self.root(), store: store)
        let composed = try await first.seal(Self.secret([1]), realm: "\u{E9}", name: "n")
        let decomposed = try await first.seal(Self.secret([2]), realm: "e\u{301}", name: "n")
        let second = try await Keyring.open(root: Self.root(), store: store)
        #expect(Self.bytes(try await second.open(decomposed, realm: "e\u{301}", name: "n")) == [2])
        #expect(Self.bytes(try await second.open(composed, realm: "\u{E9}", name: "n")) == [1])
    }

    @Test func aRealmKeyPutInAnothersPlaceIsNoticed() async throws {
        let store = InMemoryStore()
        let first = try await Keyring.open(root: Self.root(), store: store)
        let box = try await first.seal(Self.secret([1]), realm: "a", name: "n")
        _ = try await first.seal(Self.secret([1]), realm: "b", name: "n")
        try await store.write { transaction in
            guard let other = try transaction.document("b", in: "seal-keys") else { return }
            try transaction.put("a", in: "seal-keys", body: other.body, if: .any)
        }
        let second = try await Keyring.open(root: Self.root(), store: store)
        await #expect(throws: StoreError.corrupt("seal-keys/a")) { _ = try await second.open(box, realm: "a", name: "n").count }
    }

    @Test func theStoreSeesNoSecret() async throws {
        let store = InMemoryStore()
        let keyring = try await Keyring.open(root: Self.root(0x41), store: store)
        let box = try await keyring.seal(Self.secret(Array("canary".utf8)), realm: "a", name: "n")
        let kept = try await store.read { transaction in
            try ["seal-keys", "seal-checks"].flatMap {
                try transaction.documents(in: $0, prefix: "", after: nil, limit: 9).map { String(decoding: $0.body, as: UTF8.self) }
            }
        }
        #expect(kept.count == 2)
        #expect(!kept.joined().contains("AAAA"))
        #expect(!String(decoding: box, as: UTF8.self).contains("canary"))
    }

    @Test func aRealmThatNoStoreHoldsIsRefused() async throws {
        let keyring = try await Keyring.open(root: Self.root(), store: InMemoryStore())
        for realm in ["", "a\0b", String(repeating: "x", count: 1025)] {
            await #expect(throws: StoreError.badName) { _ = try await keyring.seal(Self.secret([1]), realm: realm, name: "n") }
        }
    }
}
