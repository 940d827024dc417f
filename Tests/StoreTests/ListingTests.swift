import CofferPlatform
import Testing

@Suite struct ListingTests {
    /// Wildcards of LIKE, both letter cases, an accented letter in both its forms, scalars around the surrogates and the
    /// planes, and ids that begin with one another.
    static let ids = [
        "a", "a/", "a/b", "a/b/c", "a0", "a%", "a%b", "a_", "a_b", "aXb", "A", "A/b", "ab", "a\\", "a'", "a\"", "a*", "a?b",
        "é", "e\u{301}", "éa", "e\u{301}a", "ß", "ss", "z", "\u{1}", "\u{7F}", "\u{D7FF}", "\u{D7FF}x", "\u{E000}", "\u{FFFF}",
        "\u{10000}", "\u{10FFFF}", "\u{10FFFF}\u{10FFFF}", "😀", "😀😀", " ", "/", "i", "İ", "I",
    ]

    @Test(arguments: StoreKind.available)
    func aPrefixMeansItsBytesAndNothingElse(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { transaction in
                for id in Self.ids {
                    try transaction.put(id, in: "things", body: Array(id.utf8), if: .absent)
                    try transaction.put(id, in: "thing", body: [0], if: .absent)
                }
            }
            let sorted = Self.ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for prefix in [""] + Self.ids + ["a/b/c/d", "a%_", "e", "\u{D7FE}", "\u{10FFFE}", "\u{FFFE}"] {
                let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
                let found = try await store.read { try $0.documents(in: "things", prefix: prefix, after: nil, limit: 1000) }
                #expect(found.map { Array($0.id.utf8) } == expected.map { Array($0.utf8) }, "prefix \(prefix.debugDescription)")
                #expect(found.allSatisfy { $0.body == Array($0.id.utf8) })
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func aListingGoesOnBehindAnyID(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { for id in Self.ids { try $0.put(id, in: "things", body: [], if: .absent) } }
            let sorted = Self.ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            for after in Self.ids + ["", "never", "a/b/"] {
                for prefix in ["", "a", "é"] {
                    let expected = sorted.filter {
                        after.utf8.lexicographicallyPrecedes($0.utf8) && $0.utf8.starts(with: prefix.utf8)
                    }
                    let found = try await store.read {
                        try $0.documents(in: "things", prefix: prefix, after: after, limit: 1000)
                    }
                    #expect(found.map { Array($0.id.utf8) } == expected.map { Array($0.utf8) })
                }
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func pagesTogetherGiveEveryDocumentOnce(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let ids = (0..<730).map { "k\($0 * 7919 % 730)" }
            try await store.write { for id in ids { try $0.put(id, in: "things", body: [], if: .absent) } }
            var found: [String] = []
            while true {
                let page = try await store.read { [last = found.last] in
                    try $0.documents(in: "things", prefix: "k", after: last, limit: 100)
                }
                #expect(page.count <= 100)
                found += page.map(\.id)
                if page.count < 100 { break }
            }
            #expect(found == ids.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
            #expect(try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 0) } == [])
            #expect(try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: -1) } == [])
            struct Nothing: Codable {}
            await #expect(throws: StoreError.self) { try await store.read { _ = try $0.values(Nothing.self, in: "things") } }
        }
    }

    @Test(arguments: StoreKind.available)
    func valuesCrossThePagesOfTheStore(_ kind: StoreKind) async throws {
        struct Thing: Codable, Equatable { let number: Int }
        try await withStore(kind) { store in
            try await store.write { transaction in
                for number in 0..<1001 { try transaction.put(Thing(number: number), "n\(10_000 + number)", in: "things") }
            }
            let values = try await store.read { try $0.values(Thing.self, in: "things", prefix: "n1") }
            #expect(values == (0..<1001).map { Thing(number: $0) })
            #expect(try await store.read { try $0.value(Thing.self, "n10007", in: "things")?.value } == Thing(number: 7))
        }
    }
}
