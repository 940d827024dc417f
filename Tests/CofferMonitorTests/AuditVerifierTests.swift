import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferSeal
import CofferTesting
import Testing

@testable import CofferMonitor

/// Every kind of tampering that whoever can write the store can do.
@Suite struct AuditVerifierTests {
    private let store = InMemoryStore()
    private let clock = ManualClock()
    private let log: StoreAuditLog
    private let vault = Events.vault("kv1")

    init() {
        log = StoreAuditLog(store: store)
    }

    private func signer() async throws -> AuditSigningKey {
        try await AuditSigningKey.open(store: store, sealer: PlainSealer())
    }

    private func sign() async throws {
        await HeadSigning(log: log, store: store, signer: try await signer(), clock: clock, report: { _ in }).signMoved()
    }

    private func record(_ numbers: ClosedRange<Int>) async throws {
        for number in numbers { try await log.record(Events.event(number)) }
    }

    /// Ten records, signed at 4 and at 8.
    private func chain() async throws -> Tampered {
        try await record(1...4)
        try await sign()
        try await record(5...8)
        try await sign()
        try await record(9...10)
        return try await copy()
    }

    private func copy() async throws -> Tampered {
        let source = StoreAuditSource(store: store)
        return Tampered(
            records: try await source.page(.records, of: vault, after: 0), signatures: try await source.page(.signatures, of: vault, after: 0))
    }

    private func findings(_ source: Tampered, count: Int64? = nil, _ witnesses: [AuditWitness] = []) async throws -> [AuditFinding] {
        try await report(source, count: count, witnesses).findings
    }

    private func report(_ source: Tampered, count: Int64? = nil, _ witnesses: [AuditWitness] = []) async throws -> AuditReport {
        let verification = AuditVerification(source: source, keys: [try await signer().publicKey], witnesses: witnesses)
        return try await verification.verify(vault, count: count)
    }

    @Test func aChainAsItWasWrittenHolds() async throws {
        let report = try await report(try await chain(), count: 10)
        #expect(report.holds)
        #expect(report.count == 10)
        #expect(report.signedCount == 8)
        #expect(report.signedTime == clock.now())
    }

    @Test func anEmptyChainHolds() async throws {
        #expect(try await report(Tampered(records: .init(value: [], next: nil), signatures: .init(value: [], next: nil))).holds)
    }

    @Test func anEditedRecordIsNamed() async throws {
        var source = try await chain()
        source.edit(block: 5) { $0.replacing("\"st\":200", with: "\"st\":403") }
        #expect(try await findings(source) == [.altered(record: 5)])
    }

    @Test func anEditedHashIsNoticed() async throws {
        var source = try await chain()
        let other = Base64URL.encode(Array(repeating: 7, count: 32))
        source.edit(block: 5) { text in "5 \(other) " + text.split(separator: " ", maxSplits: 2)[2] }
        #expect(try await findings(source) == [.altered(record: 5), .altered(record: 6)])
    }

    @Test func aRemovedRecordIsNamed() async throws {
        var source = try await chain()
        source.remove(blocks: 5...6)
        #expect(try await findings(source) == [.missing(first: 5, last: 6)])
        source = try await chain()
        source.remove(blocks: 1...1)
        #expect(try await findings(source) == [.missing(first: 1, last: 1)])
    }

    @Test func aSignedRecordThatWasRemovedIsNoticedToo() async throws {
        var source = try await chain()
        source.remove(blocks: 8...8)
        #expect(try await findings(source) == [.missing(first: 8, last: 8)])
    }

    @Test func reorderedRecordsAreNamed() async throws {
        var source = try await chain()
        source.swap(blocks: 5, 6)
        let found = try await findings(source)
        #expect(found.contains(.misplaced(record: 5)))
        // Renumbered, so that the numbers are in order: then the hashes are not.
        source.edit(block: 5) { "5" + $0.dropFirst() }
        source.edit(block: 6) { "6" + $0.dropFirst() }
        #expect(try await findings(source).contains(.altered(record: 5)))
    }

    @Test func aRecordOfAnotherChainIsNoticed() async throws {
        try await log.record(Events.event(1, on: "kv2"))
        let other = try await StoreAuditSource(store: store).page(.records, of: Events.vault("kv2"), after: 0)
        var source = try await chain()
        source.replace(block: 1, with: try #require(other.value.first).body)
        #expect(try await findings(source) == [.altered(record: 1), .altered(record: 2)])
    }

    @Test func anEndThatWasCutOffIsNoticedByItsSignature() async throws {
        var source = try await chain()
        source.remove(blocks: 7...10)
        #expect(try await findings(source) == [.truncated(last: 6, expected: 8)])
    }

    @Test func anUnsignedEndThatWasCutOffIsNoticedByTheHeadAlone() async throws {
        var source = try await chain()
        source.remove(blocks: 9...10)
        #expect(try await findings(source, count: 10) == [.truncated(last: 8, expected: 10)])
        #expect(try await findings(source) == [])
    }

    @Test func aChainThatWasRewrittenWithNewHashesContradictsItsSignatures() async throws {
        var source = try await chain()
        source.rewrite(from: 3, origin: AuditChain(vault).origin) { $0.replacing("\"st\":200", with: "\"st\":403") }
        #expect(try await findings(source) == [.rewritten(record: 4), .rewritten(record: 8)])
    }

    @Test func aSignatureThatWasAlteredDoesNotHold() async throws {
        var source = try await chain()
        source.editSignature(1) { $0.replacing("\"count\":8", with: "\"count\":9") }
        #expect(try await findings(source) == [.badSignature(record: 9)])
        source = try await chain()
        source.editSignature(0) { _ in "{}" }
        #expect(try await findings(source) == [.unreadable(.signatures, sequence: 1)])
    }

    @Test func aSignatureByAnotherKeyIsNamed() async throws {
        let source = try await chain()
        let foreign = try await AuditSigningKey.open(store: InMemoryStore(), sealer: PlainSealer())
        let report = try await AuditVerification(source: source, keys: [foreign.publicKey]).verify(vault, count: nil)
        let own = try await signer().publicKey.thumbprint
        #expect(report.findings == [.unknownKey(record: 4, key: own), .unknownKey(record: 8, key: own)])
        #expect(report.signedCount == 0)
    }

    @Test func aSignatureOfAnotherChainDoesNotHoldHere() async throws {
        for number in 1...4 { try await log.record(Events.event(number, on: "kv2")) }
        try await sign()
        var source = try await chain()
        source.signatures = try await StoreAuditSource(store: store).page(.signatures, of: Events.vault("kv2"), after: 0)
        #expect(try await findings(source) == [.badSignature(record: 4)])
    }

    @Test func aBlockThatCannotBeReadIsNamed() async throws {
        var source = try await chain()
        source.edit(block: 10) { _ in "nonsense" }
        #expect(try await findings(source, count: 10) == [.unreadable(.records, sequence: 10), .truncated(last: 9, expected: 10)])
        source.edit(block: 10) { _ in "9223372036854775807 \(Base64URL.encode(Array(repeating: 0, count: 32))) {}\n" }
        #expect(try await findings(source) == [.unreadable(.records, sequence: 10)])
        source.replace(block: 10, with: "*")
        #expect(try await findings(source) == [.unreadable(.records, sequence: 10)])
    }

    /// The whole end, records and signatures, is gone: only who noted the head elsewhere can tell.
    @Test func aWitnessNoticesWhatTheStoreCannot() async throws {
        let whole = try await chain()
        let noted = try JSON.decode(AuditWitness.self, from: JSON.encode(try await report(whole)))
        var source = whole
        source.remove(blocks: 5...10)
        source.signatures = AuditPage(value: Array(source.signatures.value.prefix(1)), next: nil)
        #expect(try await findings(source) == [])
        #expect(try await findings(source, [noted]) == [.truncated(last: 4, expected: 10)])
        source = whole
        source.rewrite(from: 9, origin: AuditChain(vault).origin) { $0.replacing("\"st\":200", with: "\"st\":403") }
        #expect(try await findings(source) == [])
        #expect(try await findings(source, [noted]) == [.unlikeWitness(record: 10)])
    }

    @Test func aChainThatVanishedIsMissedByItsWitness() async throws {
        let noted = try JSON.decode(AuditWitness.self, from: JSON.encode(try await report(try await chain())))
        let verification = AuditVerification(
            source: StoreAuditSource(store: InMemoryStore()), keys: [try await signer().publicKey], witnesses: [noted])
        #expect(try await verification.verifyAll().map(\.findings) == [[.truncated(last: 0, expected: 10)]])
    }
}

/// A copy of a chain that a test does to what an intruder would.
private struct Tampered: AuditSource {
    var records: AuditPage
    var signatures: AuditPage

    func chains(after: String?) async throws -> AuditChainPage { AuditChainPage(value: [], next: nil) }

    func page(_ part: AuditPart, of resource: ResourceID, after: Int64) async throws -> AuditPage {
        part == .records ? records : signatures
    }

    /// Blocks are named by their number, which is that of their one record.
    mutating func edit(block: Int64, _ change: (String) -> String) {
        for item in records.value where item.sequence == block {
            replace(block: block, with: Base64URL.encode(Array(change(Self.text(item)).utf8)))
        }
    }

    mutating func replace(block: Int64, with body: String) {
        records = AuditPage(
            value: records.value.map { $0.sequence == block ? AuditPage.Item(sequence: block, body: body) : $0 }, next: nil)
    }

    mutating func remove(blocks: ClosedRange<Int64>) {
        records = AuditPage(value: records.value.filter { !blocks.contains($0.sequence) }, next: nil)
    }

    mutating func swap(blocks first: Int64, _ second: Int64) {
        let bodies = Dictionary(uniqueKeysWithValues: records.value.map { ($0.sequence, $0.body) })
        replace(block: first, with: bodies[second] ?? "")
        replace(block: second, with: bodies[first] ?? "")
    }

    mutating func editSignature(_ index: Int, _ change: (String) -> String) {
        var items = signatures.value
        items[index] = AuditPage.Item(
            sequence: items[index].sequence, body: Base64URL.encode(Array(change(Self.text(items[index])).utf8)))
        signatures = AuditPage(value: items, next: nil)
    }

    /// Changes the records from `first` on and gives all of them hashes that fit.
    mutating func rewrite(from first: Int64, origin: [UInt8], _ change: (String) -> String) {
        var hasher = AuditHasher(count: 0, hash: origin)
        let items = records.value.map { item in
            let json = Self.text(item).split(separator: " ", maxSplits: 2)[2].dropLast()
            let record = Array((item.sequence >= first ? change(String(json)) : String(json)).utf8)
            return AuditPage.Item(sequence: item.sequence, body: Base64URL.encode(AuditBlock.body([record], &hasher)))
        }
        records = AuditPage(value: items, next: nil)
    }

    private static func text(_ item: AuditPage.Item) -> String {
        String(decoding: Base64URL.decode(item.body) ?? [], as: UTF8.self)
    }
}
