@testable import CofferMonitor
import Testing

@Suite struct AuditEndsTests {
    private static func end(_ key: String, records: Int) throws -> AuditEnd {
        var end = AuditEnd(origin: AuditChain(key: key))
        for _ in 0..<records { end = try end.lengthened(by: [[1]]).end }
        return end
    }

    @Test func theNewestEndOfAChainIsRemembered() throws {
        var ends = AuditEnds()
        #expect(ends["a"] == nil)
        for records in 1...3 { ends.note(try Self.end("a", records: records)) }
        #expect(ends["a"]?.count == 3)
        #expect(ends["a"]?.sequence == 3)
    }

    @Test func whatWasSignedStaysSigned() throws {
        var ends = AuditEnds()
        let read = try Self.end("a", records: 1)
        ends.note(read)
        ends.noteSigned("a", count: 1)
        // A block was under way meanwhile, behind an end that did not know of the signature.
        ends.note(try read.lengthened(by: [[2]]).end)
        #expect(ends["a"]?.signed == 1)
        ends.noteSigned("a", count: 0)
        #expect(ends["a"]?.signed == 1)
        ends.noteSigned("unknown", count: 5)
        #expect(ends["unknown"] == nil)
    }

    @Test func thoseNotLengthenedForLongAreForgotten() throws {
        var ends = AuditEnds(mostRecent: 3)
        for number in 0..<20 {
            ends.note(try Self.end("chain \(number)", records: 1))
            ends.note(try Self.end("always", records: number + 1))
        }
        let known = (0..<20).filter { ends["chain \($0)"] != nil }
        #expect(known.contains(19) && known.count <= 6)
        #expect(ends["always"]?.count == 20)
    }
}
