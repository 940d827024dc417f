import CofferPlatform
import CofferTesting
import Testing

@Suite struct AgreementTests {
    /// What one step did, as far as all stores must agree: ETags are each store's own.
    private enum Trace: Equatable {
        case put(Bool), removed(Bool), refused, document([UInt8]?), page([String]), events([Int64]), undone
    }

    private struct Undo: Error {}

    /// The same thousand random steps, in transactions some of which throw at their end, have the same results everywhere.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func allStoresAgreeOnRandomSteps(seed: UInt64) async throws {
        var expected: [[Trace]]?
        for kind in StoreKind.available {
            let traces = try await withStore(kind) { store in
                var random = SeededRandom(seed: seed)
                var all: [[Trace]] = []
                for _ in 0..<120 {
                    let (traces, next) = try await Self.run(on: store, random)
                    all.append(traces)
                    random = next
                }
                return all
            }
            if let expected { #expect(traces == expected, "\(kind) with seed \(seed)") } else { expected = traces }
        }
    }

    private static func run(on store: any Store, _ start: SeededRandom) async throws -> ([Trace], SeededRandom) {
        do {
            return try await store.write { transaction in
                var random = start
                var traces: [Trace] = []
                for _ in 0..<Int.random(in: 1...12, using: &random) { traces.append(try step(transaction, &random)) }
                if Int.random(in: 0..<5, using: &random) == 0 { throw Undo() }
                return (traces, random)
            }
        } catch is Undo {
            var next = start
            _ = next.next()
            return ([.undone], next)
        }
    }

    private static func step(_ transaction: any WriteTransaction, _ random: inout SeededRandom) throws -> Trace {
        let ids = ["a", "a%", "a_", "A", "é", "e\u{301}", "b/1", "b/2", "b"]
        let id = ids[Int.random(in: 0..<ids.count, using: &random)]
        let collection = ["x", "y"][Int.random(in: 0..<2, using: &random)]
        let body = [UInt8.random(in: 0...255, using: &random)]
        let condition: WriteCondition =
            switch Int.random(in: 0..<4, using: &random) {
            case 0: .absent
            case 1: .etag(try transaction.document(id, in: collection)?.etag ?? "none")
            case 2: .etag("stale")
            default: .any
            }
        do {
            switch Int.random(in: 0..<7, using: &random) {
            case 0, 1, 2: return .put(try !transaction.put(id, in: collection, body: body, if: condition).isEmpty)
            case 3: return .removed(try transaction.remove(id, in: collection, if: condition))
            case 4: return .document(try transaction.document(id, in: collection)?.body)
            case 5:
                _ = try transaction.append(body, to: collection)
                let sequence = try transaction.append(body, to: collection)
                let after = Int64.random(in: 0...sequence, using: &random)
                return .events(try transaction.events(in: collection, after: after, limit: 5).map(\.sequence))
            default:
                let page = try transaction.documents(
                    in: collection, prefix: String(id.prefix(1)), after: body[0] < 128 ? "a%" : nil, limit: 4
                )
                return .page(page.map { "\(Array($0.id.utf8)) \($0.body)" })
            }
        } catch StoreError.preconditionFailed {
            return .refused
        }
    }
}
