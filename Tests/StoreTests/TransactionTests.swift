import CofferPlatform
import Foundation
import Testing

@Suite struct TransactionTests {
    private struct Refusal: Error, Equatable {}

    @Test(arguments: StoreKind.available)
    func nothingIsKeptOfABodyThatThrows(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let etag = try await store.write { try $0.put("old", in: "things", body: [1], if: .any) }
            await #expect(throws: Refusal()) {
                try await store.write { transaction in
                    try transaction.put("new", in: "things", body: [2], if: .any)
                    try transaction.put("old", in: "things", body: [2], if: .any)
                    try transaction.append([2], to: "log")
                    throw Refusal()
                }
            }
            let all = try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9) }
            #expect(all == [Document(id: "old", etag: etag, body: [1])])
            #expect(try await store.read { try $0.events(in: "log", after: 0, limit: 9) } == [])
        }
    }

    @Test(arguments: StoreKind.available)
    func aBodyMayGoOnAfterAConditionFailed(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { transaction in
                try transaction.put("a", in: "things", body: [1], if: .any)
                #expect(throws: StoreError.preconditionFailed) {
                    _ = try transaction.put("a", in: "things", body: [2], if: .absent)
                }
                try transaction.put("b", in: "things", body: [3], if: .absent)
            }
            let bodies = try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).map(\.body) }
            #expect(bodies == [[1], [3]])
        }
    }

    @Test(arguments: StoreKind.available)
    func noUpdateIsLostAmongConcurrentOnes(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await withThrowingTaskGroup { group in
                for _ in 0..<12 {
                    group.addTask {
                        for _ in 0..<15 {
                            try await store.write { transaction in
                                let old = try transaction.value(Int.self, "n", in: "counters")?.value ?? 0
                                try transaction.put(old + 1, "n", in: "counters")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await store.read { try $0.value(Int.self, "n", in: "counters")?.value } == 180)
        }
    }

    /// Each of two transactions writes only if the other's document is not there: under snapshot isolation both would.
    @Test(arguments: StoreKind.available)
    func writesAreSerializable(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            for round in 0..<20 {
                @Sendable func take(_ mine: String, unless other: String) async throws {
                    try await store.write { transaction in
                        if try transaction.document("\(round)\(other)", in: "duty") == nil {
                            try transaction.put("\(round)\(mine)", in: "duty", body: [], if: .any)
                        }
                    }
                }
                async let left: Void = take("a", unless: "b")
                async let right: Void = take("b", unless: "a")
                _ = try await (left, right)
                let count = try await store.read { try $0.documents(in: "duty", prefix: "\(round)", after: nil, limit: 9).count }
                #expect(count == 1)
                try await store.write { transaction in
                    for document in try transaction.documents(in: "duty", prefix: "", after: nil, limit: 9) {
                        _ = try transaction.remove(document.id, in: "duty", if: .any)
                    }
                }
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func onlyOneOfManyMakesADocument(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let winners = await withTaskGroup { group in
                for number in 0..<20 {
                    group.addTask {
                        (try? await store.write { try $0.put("a", in: "things", body: [UInt8(number)], if: .absent) }) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(winners == 1)
        }
    }

    @Test(arguments: StoreKind.durable)
    func aReaderSeesOneMoment(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { try $0.put("a", in: "things", body: [1], if: .any) }
            let started = DispatchSemaphore(value: 0)
            let written = DispatchSemaphore(value: 0)
            async let seen = store.read { transaction in
                let first = try transaction.document("a", in: "things")?.body
                started.signal()
                written.wait()
                return (first, try transaction.document("a", in: "things")?.body, try transaction.document("b", in: "things"))
            }
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    started.wait()
                    continuation.resume()
                }
            }
            try await store.write { transaction in
                try transaction.put("a", in: "things", body: [2], if: .any)
                try transaction.put("b", in: "things", body: [2], if: .any)
            }
            written.signal()
            let (before, after, other) = try await seen
            #expect(before == [1])
            #expect(after == [1])
            #expect(other == nil)
        }
    }

    @Test(arguments: StoreKind.available)
    func aWriteGoesOnWhenItsTaskIsCancelled(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let task = Task {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                try await store.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
            }
            try await task.value
            #expect(try await store.read { try $0.document("a", in: "things")?.body } == [1])
        }
    }
}
