import CofferPlatform
import Synchronization
import Testing

@Suite struct EventTests {
    @Test(arguments: StoreKind.available)
    func eventsComeInOrderFromWhereAFollowerStopped(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            #expect(try await store.read { try $0.events(in: "log", after: 0, limit: 9) } == [])
            for number: UInt8 in 0..<10 { try await store.write { _ = try $0.append([number], to: "log") } }
            try await store.write { transaction in
                for number: UInt8 in 10..<20 { try transaction.append([number], to: "log") }
                try transaction.append([99], to: "other")
            }
            var last: Int64 = 0
            var bodies: [UInt8] = []
            while true {
                let page = try await store.events(in: "log", after: last, limit: 3)
                #expect(page.map(\.sequence) == page.map(\.sequence).sorted())
                guard let end = page.last else { break }
                #expect(end.sequence > last)
                last = end.sequence
                bodies += page.flatMap(\.body)
            }
            #expect(bodies == Array(0..<20))
            #expect(try await store.read { try $0.events(in: "other", after: 0, limit: 9).map(\.body) } == [[99]])
            #expect(try await store.events(in: "log", after: last, limit: 9).isEmpty)
        }
    }

    /// A sequence number drawn before its transaction commits would let a follower see 6, remember it, and never see 5.
    @Test(arguments: StoreKind.available)
    func aFollowerMissesNothingThatConcurrentWritersAppend(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let writers = 6
            let each = 20
            try await withThrowingTaskGroup { group in
                for writer in 0..<writers {
                    group.addTask {
                        for number in 0..<each {
                            try await store.write { transaction in
                                try transaction.append([UInt8(writer), UInt8(number)], to: "log")
                                // Work between the number and the commit is what lets others overtake.
                                for extra in 0..<3 { try transaction.put("\(writer)-\(extra)", in: "things", body: [], if: .any) }
                            }
                        }
                    }
                }
                group.addTask {
                    var last: Int64 = 0
                    var seen: [[UInt8]] = []
                    while seen.count < writers * each {
                        try Task.checkCancellation()
                        let page = try await store.events(in: "log", after: last, limit: 7)
                        for event in page {
                            #expect(event.sequence > last)
                            last = event.sequence
                            seen.append(event.body)
                        }
                        if page.isEmpty { await Task.yield() }
                    }
                    #expect(Set(seen).count == writers * each)
                    for writer in 0..<writers {
                        #expect(seen.filter { $0[0] == writer }.map { Int($0[1]) } == Array(0..<each))
                    }
                }
                // Unlike waitForAll, this ends the follower too when a writer fails.
                for try await _ in group {}
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func placedEventsAreThereAllOrNone(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            func place(_ events: (String, Int64, UInt8)...) throws {
                try store.appendHere(events.map { PlacedEvent(stream: $0.0, sequence: $0.1, body: [$0.2]) })
            }
            try place(("a", 1, 10))
            try place(("a", 2, 11), ("b", 1, 20), ("c", 1, 30))
            #expect(throws: StoreError.preconditionFailed) { try place(("a", 2, 99)) }
            #expect(throws: StoreError.preconditionFailed) { try place(("b", 2, 99), ("a", 2, 99)) }
            #expect(throws: StoreError.badName) { try place(("", 1, 99)) }
            try store.appendHere([])
            try place(("b", 2, 21))
            for (stream, bodies) in [("a", [[10], [11]]), ("b", [[20], [21]]), ("c", [[30]])] as [(String, [[UInt8]])] {
                let events = try await store.events(in: stream, after: 0, limit: 9)
                #expect(try store.eventsHere(in: stream, after: 0, limit: 9) == events)
                #expect(try store.eventsHere(in: stream, after: 1, limit: 1) == Array(events.dropFirst()))
                #expect(events.map(\.body) == bodies && events.map(\.sequence) == (1...Int64(bodies.count)).map { $0 })
            }
        }
    }

    @Test(arguments: StoreKind.available)
    func ofThoseWhoWantOnePlaceOneGetsIt(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let won = try await withThrowingTaskGroup(of: Int.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        try (1...20).count { place in
                            do {
                                try store.appendHere([PlacedEvent(stream: "s", sequence: Int64(place), body: [UInt8(worker)])])
                                return true
                            } catch StoreError.preconditionFailed {
                                return false
                            }
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(won == 20)
            #expect(try await store.events(in: "s", after: 0, limit: 99).map(\.sequence) == Array(1...20))
        }
    }
}
