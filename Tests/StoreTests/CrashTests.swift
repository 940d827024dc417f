import CofferCore
import CofferModel
import CofferMonitor
import CofferPlatform
import CofferSeal
import CofferTesting
import Foundation
import Glibc
import Synchronization
import Testing

/// A process that is killed in the middle of its writes. It notes each number after its write was acknowledged, and
/// `kill -9` comes from another of its threads at a moment that nothing chose.
@Suite struct CrashTests {
    @Test func nothingAcknowledgedIsLostToKillMinusNineOnSQLite() async throws {
        let place = try StoreKind.sqlite.makePlace()
        let notes = try TemporaryDirectory()
        for round in 0..<3 {
            let (address, file) = (place.address, notes.path + "/\(round)")
            await #expect(processExitsWith: .signal(SIGKILL)) { [address = address as String, file = file as String] in
                try await Victim(store: try await StoreKind.sqlite.open(address), notes: file).writeUntilKilled()
            }
            try await expectEverythingNoted(in: file, round: round, isKeptBy: try await place.open())
        }
    }

    @Test(.enabled(if: PostgresServer.isInstalled))
    func nothingAcknowledgedIsLostToKillMinusNineOnPostgres() async throws {
        let place = try StoreKind.postgres.makePlace()
        let notes = try TemporaryDirectory()
        for round in 0..<3 {
            let (address, file) = (place.address, notes.path + "/\(round)")
            await #expect(processExitsWith: .signal(SIGKILL)) { [address = address as String, file = file as String] in
                try await Victim(store: try await StoreKind.postgres.open(address), notes: file).writeUntilKilled()
            }
            try await expectEverythingNoted(in: file, round: round, isKeptBy: try await place.open())
        }
    }

    @Test(arguments: StoreKind.durable)
    func aKilledProcessLeavesAnAuditChainThatHoldsAndHasAllThatWasAcknowledged(_ kind: StoreKind) async throws {
        let place = try kind.makePlace()
        let notes = try TemporaryDirectory()
        let name = kind.rawValue
        for round in 0..<3 {
            let (address, file) = (place.address, notes.path + "/\(round)")
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [name = name as String, address = address as String, file = file as String] in
                let store = try await (StoreKind(rawValue: name) ?? .sqlite).open(address)
                try await Victim(store: store, notes: file).auditUntilKilled()
            }
            let store = try await place.open()
            let source = StoreAuditSource(store: store)
            let key = try await AuditSigningKey.open(store: store, sealer: PlainSealer()).publicKey
            let chain = try #require(try await source.allChains().first)
            let report = try await AuditVerification(source: source, keys: [key]).verify(chain.resource, count: chain.count)
            #expect(report.findings == [], "round \(round)")
            let kept = Mutex(Set<String>())
            try await AuditTrail(source: source).each(of: chain.resource) { entry in
                kept.withLock { $0.insert(entry.event.correlationID) }.inserted
            }
            let noted = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
            #expect(noted.count >= Victim.leastWrites)
            #expect(Set(noted).subtracting(kept.withLock { $0 }).isEmpty, "round \(round)")
        }
    }

    /// A limit on the size of files stands for a file system without room.
    @Test func aWriteThatFindsNoRoomFailsAloneAndNothingElseIsLost() async throws {
        let place = try StoreKind.sqlite.makePlace()
        let address = place.address
        await #expect(processExitsWith: .success) { [address = address as String] in
            let store = try await StoreKind.sqlite.open(address)
            try await store.write { _ = try $0.put("before", in: "things", body: [1], if: .absent) }
            ignoreFileSizeSignal()
            setFileSizeLimit(400_000)
            let failures = await withTaskGroup { group in
                for number in 0..<12 {
                    group.addTask {
                        do {
                            try await store.write { transaction in
                                try transaction.put("\(number)", in: "things", body: [1], if: .absent)
                                guard number % 4 == 1 else { return }
                                try transaction.put("large", in: "things", body: Array(repeating: 7, count: 1_000_000), if: .absent)
                            }
                            return 0
                        } catch {
                            return error is StoreError ? 1 : 100
                        }
                    }
                }
                return await group.reduce(0, +)
            }
            if failures != 3 { exit(1) }
            setFileSizeLimit(.max)
            try await store.write { _ = try $0.put("after", in: "things", body: [1], if: .absent) }
        }
        let store = try await place.open()
        let ids = try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 99).map(\.id) }
        #expect(ids == ["0", "10", "11", "2", "3", "4", "6", "7", "8", "after", "before"])
    }

    private func expectEverythingNoted(in file: String, round: Int, isKeptBy store: any Store) async throws {
        let noted = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map(String.init)
        #expect(noted.count >= Victim.leastWrites)
        let kept = try await store.read { try $0.documents(in: "crash", prefix: "", after: nil, limit: 1_000_000) }
        let logged = try await store.events(in: "crash", after: 0, limit: 1_000_000)
        #expect(Set(noted).subtracting(kept.map(\.id)).isEmpty, "round \(round)")
        // Each transaction wrote a document, its twin and an event: all of them or none.
        #expect(kept.count % 2 == 0)
        #expect(logged.count * 2 == kept.count)
        #expect(Set(logged.map { String(decoding: $0.body, as: UTF8.self) }) == Set(kept.map(\.id).filter { !$0.hasSuffix("-twin") }))
        #expect(logged.map(\.sequence) == Array(1...Int64(max(1, logged.count))))
    }
}

private func ignoreFileSizeSignal() {
    signal(SIGXFSZ, SIG_IGN)
}

private func setFileSizeLimit(_ byteCount: UInt64) {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
    limit.rlim_cur = min(rlim_t(byteCount), limit.rlim_max)
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
}

/// The process that is killed.
private struct Victim {
    static let leastWrites = 30
    let store: any Store
    let notes: String

    func writeUntilKilled() async throws {
        let file = unsafe open(notes, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let run = UUID().uuidString
        await withTaskGroup { group in
            for writer in 0..<4 {
                group.addTask { [store] in
                    var number = 0
                    while true {
                        let id = "\(run)-\(writer)-\(number)"
                        let acknowledged: Void? = try? await store.write { transaction in
                            try transaction.put(id, in: "crash", body: Array(repeating: 7, count: 3000), if: .absent)
                            try transaction.append(Array(id.utf8), to: "crash")
                            try transaction.put(id + "-twin", in: "crash", body: [], if: .absent)
                        }
                        guard acknowledged != nil else { continue }
                        let line = Array("\(id)\n".utf8)
                        _ = unsafe write(file, line, line.count)
                        number += 1
                        if writer == 0, number == Self.leastWrites {
                            Thread.detachNewThread { kill(getpid(), SIGKILL) }
                        }
                    }
                }
            }
        }
    }

    /// Records events, and signs the chain's head meanwhile.
    func auditUntilKilled() async throws {
        let file = unsafe open(notes, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let run = UUID().uuidString
        let log = StoreAuditLog(store: store)
        let key = try await AuditSigningKey.open(store: store, sealer: PlainSealer())
        let signing = HeadSigning(log: log, store: store, signer: key, clock: ManualClock(), report: { _ in })
        await withTaskGroup { group in
            for writer in 0..<8 {
                group.addTask {
                    var number = 0
                    while true {
                        let id = "\(run)-\(writer)-\(number)"
                        let event = AuditEvent(
                            time: Timestamp(milliseconds: 1),
                            resource: ResourceID(subscription: "s", group: "g", namespace: "n", type: "vaults", name: "kv"),
                            operation: "KeySign", status: 200, resultDescription: nil, durationMilliseconds: 1, callerAddress: "",
                            callerObjectID: nil, callerApplicationID: nil, correlationID: id, object: nil, clientInfo: nil,
                            requestURI: nil)
                        guard (try? await log.record(event)) != nil else { continue }
                        let line = Array("\(id)\n".utf8)
                        _ = unsafe write(file, line, line.count)
                        number += 1
                        if writer == 0, number % 5 == 0 { await signing.signMoved() }
                        if writer == 0, number == Self.leastWrites {
                            Thread.detachNewThread { kill(getpid(), SIGKILL) }
                        }
                    }
                }
            }
        }
    }
}
