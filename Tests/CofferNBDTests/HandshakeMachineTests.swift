import CofferCore
@testable import CofferNBD
import CofferNBDWire
import Testing

struct HandshakeMachineTests {
    private static let offer = HandshakeMachine.Offer.available(byteCount: 1 << 20, isReadOnly: false)

    /// A machine that has greeted and has the client's flags.
    private static func greeted(_ flags: UInt32 = 3) -> HandshakeMachine {
        var machine = HandshakeMachine()
        _ = machine.next()
        machine.receive(Wire.flags(flags))
        #expect(machine.next() == .receive)
        return machine
    }

    private static func flags(_ machine: inout HandshakeMachine) -> UInt16? {
        guard case .send(let bytes) = machine.next(), bytes.count == 32 else { return nil }
        return UInt16(bytes[30]) << 8 | UInt16(bytes[31])
    }

    @Test func theGreetingIsFixedNewstyle() {
        var machine = HandshakeMachine()
        #expect(machine.next() == .send(Array("NBDMAGICIHAVEOPT".utf8) + [0, 3]))
        #expect(machine.next() == .receive)
    }

    @Test func goTellsOfTheExportAndTransmits() {
        var machine = Self.greeted()
        machine.receive(Wire.go("a", [3, 1, 2]))
        #expect(machine.next() == .find("a"))
        machine.found(Self.offer)
        let export = Wire.bytes { $0.write(UInt16(0)); $0.write(UInt64(1 << 20)); $0.write(UInt16(0b101_0110_1101)) }
        #expect(machine.next() == .send(Wire.optionReply(7, .info, export)))
        let sizes = Wire.bytes { $0.write(UInt16(3)); $0.write(UInt32(1)); $0.write(UInt32(4096)); $0.write(UInt32(32 << 20)) }
        #expect(machine.next() == .send(Wire.optionReply(7, .info, sizes)))
        #expect(machine.next() == .send(Wire.optionReply(7, .info, [0, 1] + Array("a".utf8))))
        #expect(machine.next() == .send(Wire.optionReply(7, .info, [0, 2] + Array("Coffer disk".utf8))))
        #expect(machine.next() == .send(Wire.optionReply(7, .acknowledged)))
        #expect(machine.next() == .transmit(.init(exportName: "a", isStructured: false, reportsAllocation: false, leftover: [])))
    }

    @Test func aReadOnlyExportOffersNoChanges() {
        var machine = Self.greeted()
        machine.receive(Wire.go("a"))
        _ = machine.next()
        machine.found(.available(byteCount: 4096, isReadOnly: true))
        #expect(Self.flags(&machine) == 0b101_0000_1111)
    }

    @Test func requestsSentAheadAreNotLost() {
        var machine = Self.greeted()
        let ahead = Wire.request(0, length: 4096)
        machine.receive(Wire.option(8) + Wire.metaContext("a", ["base:allocation"]) + Wire.go("a") + ahead)
        #expect(machine.next() == .send(Wire.optionReply(8, .acknowledged)))
        #expect(machine.next() == .find("a"))
        machine.found(Self.offer)
        #expect(machine.next() == .send(Wire.optionReply(10, .metaContext, [0, 0, 0, 1] + Array("base:allocation".utf8))))
        #expect(machine.next() == .send(Wire.optionReply(10, .acknowledged)))
        #expect(machine.next() == .find("a"))
        machine.found(Self.offer)
        for _ in 0..<3 { _ = machine.next() }
        #expect(machine.next() == .transmit(.init(exportName: "a", isStructured: true, reportsAllocation: true, leftover: ahead)))
    }

    @Test func bytesMayComeOneByOne() {
        var machine = HandshakeMachine()
        var sent: [HandshakeMachine.Action] = []
        for byte in Wire.flags() + Wire.option(8) + Wire.option(99, [1, 2, 3]) + Wire.option(3) {
            machine.receive([byte])
            while true {
                let action = machine.next()
                if action == .receive { break }
                sent.append(action)
                if action == .list {
                    machine.listed(["x"])
                }
            }
        }
        #expect(sent.dropFirst() == [
            .send(Wire.optionReply(8, .acknowledged)),
            .send(Wire.optionReply(99, .unsupported, Array("this server does not know the option".utf8))), .list,
            .send(Wire.optionReply(3, .server, [0, 0, 0, 1] + Array("x".utf8))), .send(Wire.optionReply(3, .acknowledged)),
        ])
    }

    @Test func aRefusedExportTellsWhyAndTheHandshakeGoesOn() {
        var machine = Self.greeted()
        machine.receive(Wire.go("a") + Wire.go("b"))
        #expect(machine.next() == .find("a"))
        machine.found(.refused("the key is disabled"))
        #expect(machine.next() == .send(Wire.optionReply(7, .policy, Array("the key is disabled".utf8))))
        #expect(machine.next() == .find("b"))
        machine.found(.unknown)
        #expect(machine.next() == .send(Wire.optionReply(7, .unknown, Array("there is no export named b".utf8))))
        #expect(machine.next() == .receive)
    }

    @Test func infoDoesNotTransmit() {
        var machine = Self.greeted()
        machine.receive(Wire.go("a", option: 6))
        _ = machine.next()
        machine.found(Self.offer)
        for _ in 0..<3 { _ = machine.next() }
        #expect(machine.next() == .receive)
    }

    @Test(arguments: [(UInt32(1), 134), (3, 10)])
    func theOldWayToNameAnExportWorks(flags: UInt32, length: Int) {
        var machine = Self.greeted(flags)
        machine.receive(Wire.option(1, Array("a".utf8)))
        #expect(machine.next() == .find("a"))
        machine.found(Self.offer)
        guard case .send(let bytes) = machine.next() else { Issue.record("nothing was sent"); return }
        #expect(bytes.count == length)
        #expect(machine.next() == .transmit(.init(exportName: "a", isStructured: false, reportsAllocation: false, leftover: [])))
    }

    @Test(arguments: [HandshakeMachine.Offer.unknown, .refused("x")])
    func theOldWayToNameAnExportCanOnlyBeCutOff(offer: HandshakeMachine.Offer) {
        var machine = Self.greeted()
        machine.receive(Wire.option(1, Array("a".utf8)))
        _ = machine.next()
        machine.found(offer)
        #expect(machine.next() == .end)
    }

    @Test func contextsBelongToTheExportTheyWereSetFor() {
        var machine = Self.greeted()
        machine.receive(Wire.option(8) + Wire.metaContext("a", ["base:allocation"]) + Wire.go("b"))
        _ = machine.next()
        _ = machine.next()
        machine.found(Self.offer)
        _ = machine.next()
        _ = machine.next()
        #expect(machine.next() == .find("b"))
        machine.found(Self.offer)
        for _ in 0..<3 { _ = machine.next() }
        #expect(machine.next() == .transmit(.init(exportName: "b", isStructured: true, reportsAllocation: false, leftover: [])))
    }

    @Test(arguments: [([], 1), (["base:"], 1), (["base:allocation"], 1), (["qemu:dirty"], 0)] as [([String], Int)])
    func contextsAreListed(queries: [String], count: Int) {
        var machine = Self.greeted()
        machine.receive(Wire.option(8) + Wire.metaContext("a", queries, option: 9))
        _ = machine.next()
        _ = machine.next()
        machine.found(Self.offer)
        if count == 1 {
            #expect(machine.next() == .send(Wire.optionReply(9, .metaContext, [0, 0, 0, 0] + Array("base:allocation".utf8))))
        }
        #expect(machine.next() == .send(Wire.optionReply(9, .acknowledged)))
    }

    @Test func contextsNeedStructuredReplies() {
        var machine = Self.greeted()
        machine.receive(Wire.metaContext("a", ["base:allocation"]))
        guard case .send(let bytes) = machine.next() else { Issue.record("nothing was sent"); return }
        #expect(Array(bytes[12..<16]) == [0x80, 0, 0, 3])
    }

    @Test(arguments: [
        Wire.option(7, [0, 0, 0]), Wire.option(7, [0xFF, 0xFF, 0xFF, 0xFF, 1, 2]), Wire.option(7, [0, 0, 0, 1, 0x61, 0xFF, 0xFF]),
        Wire.option(7, [0, 0, 0, 1, 0xFF, 0, 0]), Wire.option(7, [0, 0, 0, 0, 0, 0, 9]), Wire.option(3, [1]), Wire.option(8, [1]),
        Wire.option(10, [0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]),
    ])
    func aMalformedOptionIsRefusedAndTheHandshakeGoesOn(option: [UInt8]) {
        var machine = Self.greeted()
        machine.receive(option + Wire.option(2))
        guard case .send(let bytes) = machine.next() else { Issue.record("nothing was sent"); return }
        #expect(Array(bytes[12..<16]) == [0x80, 0, 0, 3])
        #expect(machine.next() == .send(Wire.optionReply(2, .acknowledged)))
        #expect(machine.next() == .end)
    }

    @Test func aLongOptionIsSkippedAndAnEndlessOneIsNot() {
        var machine = Self.greeted()
        machine.receive(Wire.option(7, [UInt8](repeating: 0, count: 70_000)) + Wire.option(8))
        guard case .send(let bytes) = machine.next() else { Issue.record("nothing was sent"); return }
        #expect(Array(bytes[12..<16]) == [0x80, 0, 0, 9])
        #expect(machine.next() == .send(Wire.optionReply(8, .acknowledged)))
        machine.receive(Wire.bytes { $0.write(NBDMagic.option); $0.write(UInt32(7)); $0.write(UInt32.max) })
        #expect(machine.next() == .end)
    }

    @Test func unknownFlagsOrMagicEndTheConnection() {
        var machine = HandshakeMachine()
        _ = machine.next()
        machine.receive(Wire.flags(4))
        #expect(machine.next() == .end)
        var other = Self.greeted()
        other.receive(Wire.option(3, magic: 12))
        #expect(other.next() == .end)
        #expect(other.next() == .end)
    }

    @Test func optionsWithoutEndEndTheConnection() {
        var machine = Self.greeted()
        for _ in 0...NBDLimit.optionCount { machine.receive(Wire.option(8)) }
        var count = 0
        while machine.next() != .end { count += 1 }
        #expect(count == NBDLimit.optionCount)
    }

    // MARK: TLS

    /// A machine for TCP that has the client's flags.
    private static func demanding() -> HandshakeMachine {
        var machine = HandshakeMachine(demandsTLS: true)
        _ = machine.next()
        machine.receive(Wire.flags())
        #expect(machine.next() == .receive)
        return machine
    }

    private static let refusal = Array("this server speaks TLS only".utf8)

    @Test(arguments: [3, 6, 7, 8, 9, 10, 99] as [UInt32])
    func nothingIsAnsweredBeforeTLS(_ option: UInt32) {
        var machine = Self.demanding()
        machine.receive(Wire.go("a", option: option))
        #expect(machine.next() == .send(Wire.optionReply(option, .tlsRequired, Self.refusal)))
        #expect(machine.next() == .receive)
    }

    @Test func theOldestOptionEndsAConnectionWithoutTLS() {
        var machine = Self.demanding()
        machine.receive(Wire.option(1, Array("a".utf8)))
        #expect(machine.next() == .end)
    }

    @Test func afterTLSTheExportIsFound() {
        var machine = Self.demanding()
        machine.receive(Wire.option(5))
        #expect(machine.next() == .send(Wire.optionReply(5, .acknowledged)))
        #expect(machine.next() == .secure)
        #expect(machine.next() == .receive)
        machine.secured()
        machine.receive(Wire.go("a"))
        #expect(machine.next() == .find("a"))
    }

    @Test func whatWasSentAheadOfTLSEndsTheConnection() {
        var machine = Self.demanding()
        machine.receive(Wire.option(5) + Wire.go("a"))
        #expect(machine.next() == .end)
    }

    @Test func tlsIsAskedForOnce() {
        var machine = Self.demanding()
        machine.receive(Wire.option(5))
        _ = machine.next()
        _ = machine.next()
        machine.secured()
        machine.receive(Wire.option(5))
        #expect(machine.next() == .send(Wire.optionReply(5, .invalid, Array("the option is malformed".utf8))))
    }

    @Test func programsOfThisMachineGetNoTLS() {
        var machine = Self.greeted()
        machine.receive(Wire.option(5))
        #expect(machine.next() == .send(Wire.optionReply(5, .policy, Array("this socket is for programs of this machine, without TLS".utf8))))
        #expect(machine.next() == .receive)
    }
}
