@testable import CofferNBD
import CofferNBDWire
import Testing

struct RequestRulesTests {
    private static let rules = RequestRules(byteCount: 1 << 30, isReadOnly: false, isStructured: true, reportsAllocation: true)
    private static let simple = RequestRules(byteCount: 1 << 30, isReadOnly: true, isStructured: false, reportsAllocation: false)

    private static func request(_ type: UInt16, _ offset: UInt64, _ length: UInt32, flags: UInt16 = 0) -> NBDRequest {
        NBDRequest(flags: flags, type: type, cookie: 1, offset: offset, length: length)
    }

    @Test func ordinaryRequestsAreCommands() throws {
        for (type, command) in [(0, .read), (1, .write), (4, .trim), (5, .cache), (6, .writeZeroes), (7, .blockStatus)] as [(UInt16, NBDCommand)] {
            #expect(try Self.rules.command(of: Self.request(type, 4096, 4096, flags: 1)) == command)
            #expect(try Self.rules.command(of: Self.request(type, (1 << 30) - 1, 1)) == command)
        }
        #expect(try Self.rules.command(of: Self.request(3, 0, 0)) == .flush)
        #expect(try Self.rules.command(of: Self.request(2, 0, 0)) == .disconnect)
        #expect(try Self.rules.command(of: Self.request(6, 0, 1, flags: 3)) == .writeZeroes)
        #expect(try Self.rules.command(of: Self.request(7, 0, 1, flags: 8)) == .blockStatus)
        #expect(try Self.rules.command(of: Self.request(0, 0, 1, flags: 4)) == .read)
    }

    @Test func writesPastTheEndHaveNoSpaceAndReadsAreInvalid() {
        for (offset, length) in [((1 << 30) - 1, 2), (1 << 30, 1), (.max, 1), (.max, .max)] as [(UInt64, UInt32)] {
            for type: UInt16 in [1, 4, 6] {
                #expect(throws: NBDError.noSpace) { try Self.rules.command(of: Self.request(type, offset, length)) }
            }
            for type: UInt16 in [0, 5, 7] {
                #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(type, offset, length)) }
            }
        }
    }

    @Test func payloadsHaveALimit() {
        #expect(throws: Never.self) { try Self.rules.command(of: Self.request(0, 0, 32 << 20)) }
        #expect(throws: NBDError.overflow) { try Self.rules.command(of: Self.request(0, 0, (32 << 20) + 1)) }
        #expect(throws: NBDError.overflow) { try Self.rules.command(of: Self.request(1, 0, (32 << 20) + 1)) }
        #expect(throws: Never.self) { try Self.rules.command(of: Self.request(6, 0, 1 << 30)) }
    }

    @Test func readOnlyExportsPermitNoChange() {
        for type: UInt16 in [1, 4, 6] {
            #expect(throws: NBDError.notPermitted) { try Self.simple.command(of: Self.request(type, 0, 4096)) }
        }
        #expect(throws: Never.self) { try Self.simple.command(of: Self.request(0, 0, 4096)) }
    }

    @Test func whatWasNotNegotiatedIsInvalid() {
        #expect(throws: NBDError.invalid) { try Self.simple.command(of: Self.request(7, 0, 4096)) }
        #expect(throws: NBDError.invalid) { try Self.simple.command(of: Self.request(0, 0, 4096, flags: 4)) }
    }

    @Test func nonsenseIsInvalid() {
        for type: UInt16 in [8, 9, 0xFFFF] {
            #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(type, 0, 0)) }
        }
        #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(3, 0, 1)) }
        #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(3, 1, 0)) }
        for type: UInt16 in [0, 1, 4, 5, 6, 7] {
            #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(type, 0, 0)) }
            #expect(throws: NBDError.invalid) { try Self.rules.command(of: Self.request(type, 0, 1, flags: 0x8000)) }
        }
    }
}
