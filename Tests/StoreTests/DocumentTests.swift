import CofferPlatform
import Testing

@Suite struct DocumentTests {
    @Test(arguments: StoreKind.available)
    func aDocumentIsReadBackAsItWasWritten(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let bodies: [[UInt8]] = [[], [0], Array(0...255), Array("{\"a\":\"é\"}".utf8)]
            for (number, body) in bodies.enumerated() {
                let etag = try await store.write { try $0.put("d\(number)", in: "things", body: body, if: .any) }
                let found = try await store.read { try $0.document("d\(number)", in: "things") }
                #expect(found == Document(id: "d\(number)", etag: etag, body: body))
            }
            #expect(try await store.read { try $0.document("d0", in: "other") } == nil)
            #expect(try await store.read { try $0.document("d9", in: "things") } == nil)
        }
    }

    @Test(arguments: StoreKind.available)
    func aBodyOfAMebibyteIsKept(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let body = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            try await store.write {
                try $0.put("big", in: "things", body: body, if: .any)
                try $0.append(body, to: "big")
            }
            #expect(try await store.read { try $0.document("big", in: "things")?.body } == body)
            #expect(try await store.read { try $0.events(in: "big", after: 0, limit: 9).map(\.body) } == [body])
        }
    }

    @Test(arguments: StoreKind.available)
    func everyWriteGivesAnotherETag(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            var seen: Set<String> = []
            for _ in 0..<20 {
                let etag = try await store.write { try $0.put("a", in: "things", body: [1], if: .any) }
                #expect(seen.insert(etag).inserted)
                #expect(try await store.read { try $0.document("a", in: "things")?.etag } == etag)
            }
            try await store.write { _ = try $0.remove("a", in: "things", if: .any) }
            let etag = try await store.write { try $0.put("a", in: "things", body: [1], if: .absent) }
            #expect(!seen.contains(etag), "a document that was made anew has an ETag of the old one")
        }
    }

    @Test(arguments: StoreKind.available)
    func aPutHappensOnlyUnderItsCondition(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            await #expect(throws: StoreError.preconditionFailed) {
                try await store.write { _ = try $0.put("a", in: "things", body: [0], if: .etag("1")) }
            }
            let first = try await store.write { try $0.put("a", in: "things", body: [1], if: .absent) }
            await #expect(throws: StoreError.preconditionFailed) {
                try await store.write { _ = try $0.put("a", in: "things", body: [2], if: .absent) }
            }
            let second = try await store.write { try $0.put("a", in: "things", body: [3], if: .etag(first)) }
            for wrong in [first, "", second + "\0", second.uppercased() + "x"] {
                await #expect(throws: StoreError.preconditionFailed) {
                    try await store.write { _ = try $0.put("a", in: "things", body: [4], if: .etag(wrong)) }
                }
            }
            #expect(try await store.read { try $0.document("a", in: "things") } == Document(id: "a", etag: second, body: [3]))
        }
    }

    @Test(arguments: StoreKind.available)
    func aRemovalHappensOnlyUnderItsCondition(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.write { try $0.remove("a", in: "things", if: .any) } == false)
            #expect(try await store.write { try $0.remove("a", in: "things", if: .absent) } == false)
            await #expect(throws: StoreError.preconditionFailed) {
                try await store.write { _ = try $0.remove("a", in: "things", if: .etag("1")) }
            }
            let etag = try await store.write { try $0.put("a", in: "things", body: [1], if: .any) }
            for condition in [WriteCondition.absent, .etag("1")] {
                await #expect(throws: StoreError.preconditionFailed) {
                    try await store.write { _ = try $0.remove("a", in: "things", if: condition) }
                }
            }
            #expect(try await store.write { try $0.remove("a", in: "things", if: .etag(etag)) })
            #expect(try await store.read { try $0.document("a", in: "things") } == nil)
        }
    }

    @Test(arguments: StoreKind.available)
    func aTransactionSeesItsOwnWrites(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { transaction in
                let etag = try transaction.put("a", in: "things", body: [1], if: .any)
                #expect(try transaction.document("a", in: "things")?.etag == etag)
                #expect(try transaction.documents(in: "things", prefix: "", after: nil, limit: 9).count == 1)
                let sequence = try transaction.append([7], to: "log")
                #expect(try transaction.events(in: "log", after: 0, limit: 9) == [Event(sequence: sequence, body: [7])])
                _ = try transaction.remove("a", in: "things", if: .etag(etag))
                #expect(try transaction.document("a", in: "things") == nil)
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func aNameThatNoStoreCanHoldIsRefusedAndNeverFound(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let long = String(repeating: "é", count: StoreName.longestID / 2)
            try await store.write { _ = try $0.put(long, in: "things", body: [1], if: .absent) }
            #expect(try await store.read { try $0.document(long, in: "things")?.body } == [1])
            for name in ["", "a\0b", "\0", long + "x"] {
                await #expect(throws: StoreError.badName) {
                    try await store.write { _ = try $0.put(name, in: "things", body: [1], if: .any) }
                }
                #expect(try await store.read { try $0.document(name, in: "things") } == nil)
                #expect(try await store.write { try $0.remove(name, in: "things", if: .any) } == false)
            }
            await #expect(throws: StoreError.badName) {
                try await store.write { _ = try $0.put("a", in: "thi\0ngs", body: [1], if: .any) }
            }
            await #expect(throws: StoreError.badName) {
                try await store.write { _ = try $0.append([1], to: "") }
            }
            #expect(try await store.read { try $0.documents(in: "things", prefix: "a\0", after: nil, limit: 9) } == [])
            #expect(try await store.read { try $0.documents(in: "things", prefix: "", after: "\0", limit: 9) } == [])
        }
    }
}
