import CofferCore
import CofferNBDWire

/// One connection's handshake (fixed newstyle), from the server's side. Does no I/O: bytes in, actions out.
///
/// The owner gives it what the client sent with ``receive(_:)`` and does what ``next()`` says until that is
/// ``Action/transmit(_:)`` or ``Action/end``.
package struct HandshakeMachine {
    /// What the owner is to do.
    package enum Action: Equatable {
        /// Send these bytes.
        case send([UInt8])
        /// Call ``receive(_:)`` with more bytes.
        case receive
        /// Look up the export of this name and call ``found(_:)``.
        case find(String)
        /// Call ``listed(_:)`` with the names of all exports.
        case list
        /// Lay TLS over the connection, as the server, and call ``secured()``.
        case secure
        /// The handshake is done.
        case transmit(Agreement)
        /// Close the connection.
        case end
    }

    /// What both sides settled on.
    package struct Agreement: Equatable {
        package let exportName: String
        /// Whether reads are answered in chunks.
        package let isStructured: Bool
        /// Whether the client may ask for `base:allocation`.
        package let reportsAllocation: Bool
        /// What the client has sent already after its last option.
        package let leftover: [UInt8]
    }

    /// What there is under a name.
    package enum Offer: Equatable {
        case available(byteCount: UInt64, isReadOnly: Bool)
        case unknown
        /// The export exists and must not be used now, for the reason given to the client.
        case refused(String)
    }

    private enum State {
        // To flags.
        case greeting
        // To options or ended.
        case flags
        // To skipping, finding, listing, transmission or ended.
        case options
        // To options.
        case skipping(UInt32, left: Int)
        // To options, transmission or ended.
        case finding(UInt32, Wish)
        // To options.
        case listing
        // To options.
        case securing
        case ended
    }

    /// Why an export is looked up.
    private enum Wish {
        case exportName
        case info([UInt16], name: String, thenGo: Bool)
        case metaContexts([String], name: String, set: Bool)
    }

    private var state = State.greeting
    private var input: [UInt8] = []
    private var pending: [Action] = []
    private var skipsZeroes = false
    private var isStructured = false
    private var allocationExport: String?
    private var optionCount = 0

    /// What the client may ask for before TLS.
    private enum Security {
        /// Everything; there is no TLS here.
        case none
        /// Nothing but TLS.
        case demanded
        /// Everything, for TLS it is.
        case secured
    }

    private var security: Security

    /// - Parameter demandsTLS: Whether a client is refused everything until it speaks TLS; if not, there is none.
    package init(demandsTLS: Bool = false) {
        security = demandsTLS ? .demanded : .none
    }

    /// Takes what the client sent.
    package mutating func receive(_ bytes: some Sequence<UInt8>) {
        input.append(contentsOf: bytes)
    }

    /// What to do now.
    package mutating func next() -> Action {
        while pending.isEmpty {
            guard advance() else { return .receive }
        }
        return pending.removeFirst()
    }

    /// The answer to ``Action/find(_:)``.
    package mutating func found(_ offer: Offer) {
        guard case .finding(let option, let wish) = state else { return }
        state = .options
        switch (offer, wish) {
        case (.available(let byteCount, let isReadOnly), .exportName):
            var writer = ByteWriter()
            writer.write(byteCount)
            writer.write(transmissionFlags(isReadOnly: isReadOnly))
            if !skipsZeroes { writer.write([UInt8](repeating: 0, count: 124)) }
            pending.append(.send(writer.bytes))
            transmit(lastName)
        case (.unknown, .exportName), (.refused, .exportName):
            // This option has no way to say no.
            end()
        case (.available(let byteCount, let isReadOnly), .info(let kinds, let name, let thenGo)):
            describe(option, kinds, name, byteCount: byteCount, flags: transmissionFlags(isReadOnly: isReadOnly))
            if thenGo { transmit(name) }
        case (.available, .metaContexts(let queries, let name, let set)):
            answerContexts(option, queries, name, set: set)
        case (.unknown, .info(_, let name, _)), (.unknown, .metaContexts(_, let name, _)):
            refuse(option, .unknown, "there is no export named \(name)")
        case (.refused(let reason), .info), (.refused(let reason), .metaContexts):
            refuse(option, .policy, reason)
        }
    }

    /// The answer to ``Action/list``.
    package mutating func listed(_ names: [String]) {
        guard case .listing = state else { return }
        state = .options
        for name in names {
            var writer = ByteWriter()
            writer.write(UInt32(truncatingIfNeeded: name.utf8.count))
            writer.write(name.utf8)
            reply(NBDOption.list.rawValue, .server, writer.bytes)
        }
        reply(NBDOption.list.rawValue, .acknowledged)
    }

    private var lastName = ""

    /// The answer to ``Action/secure``: what the client sends from now on comes through TLS.
    package mutating func secured() {
        guard case .securing = state else { return }
        security = .secured
        state = .options
    }

    /// Goes one step; false if that needs more bytes or an answer.
    private mutating func advance() -> Bool {
        switch state {
        case .greeting:
            var writer = ByteWriter()
            writer.write(NBDMagic.server)
            writer.write(NBDMagic.option)
            writer.write(NBDHandshakeFlag.fixedNewstyle | NBDHandshakeFlag.noZeroes)
            pending.append(.send(writer.bytes))
            state = .flags
        case .flags:
            var reader = ByteReader(input)
            guard let flags = try? reader.uint32() else { return false }
            input.removeFirst(reader.position)
            guard flags & ~UInt32(NBDHandshakeFlag.fixedNewstyle | NBDHandshakeFlag.noZeroes) == 0 else { return end() }
            skipsZeroes = flags & UInt32(NBDHandshakeFlag.noZeroes) != 0
            state = .options
        case .options: return readOption()
        case .skipping(let option, let left):
            let count = min(left, input.count)
            input.removeFirst(count)
            guard count == left else {
                state = .skipping(option, left: left - count)
                return false
            }
            state = .options
            refuse(option, .tooBig, "the option is longer than this server reads")
        case .finding, .listing, .securing: return false
        case .ended: pending.append(.end)
        }
        return true
    }

    private mutating func readOption() -> Bool {
        var reader = ByteReader(input)
        guard let magic = try? reader.uint64(), let option = try? reader.uint32(), let length = try? reader.uint32() else { return false }
        guard magic == NBDMagic.option, length <= NBDLimit.skippedOptionByteCount, optionCount < NBDLimit.optionCount else { return end() }
        if length > NBDLimit.optionByteCount {
            input.removeFirst(reader.position)
            optionCount += 1
            state = .skipping(option, left: Int(length))
            return true
        }
        guard let payload = try? reader.read(Int(length)) else { return false }
        input.removeFirst(reader.position)
        optionCount += 1
        do {
            try take(option, payload)
        } catch {
            refuse(option, .invalid, "the option is malformed")
        }
        return true
    }

    /// - Throws: If the payload is not what the option has.
    private mutating func take(_ option: UInt32, _ payload: [UInt8]) throws {
        var reader = ByteReader(payload)
        let known = NBDOption(rawValue: option)
        if security == .demanded, known != .startTLS, known != .abort {
            // The oldest option has no way to say no.
            if known == .exportName { _ = end() } else { refuse(option, .tlsRequired, "this server speaks TLS only") }
            return
        }
        switch known {
        case .exportName:
            guard let name = String(validating: payload, as: UTF8.self), payload.count <= NBDLimit.textByteCount else {
                _ = end()
                return
            }
            lastName = name
            find(name, option, .exportName)
        case .abort:
            reply(option, .acknowledged)
            _ = end()
        case .list:
            guard payload.isEmpty else { throw Malformed() }
            state = .listing
            pending.append(.list)
        case .info, .go:
            let name = try text(&reader)
            var kinds: [UInt16] = []
            for _ in 0..<(try reader.uint16()) { kinds.append(try reader.uint16()) }
            guard reader.remaining == 0 else { throw Malformed() }
            find(name, option, .info(kinds, name: name, thenGo: option == NBDOption.go.rawValue))
        case .startTLS:
            guard payload.isEmpty else { throw Malformed() }
            try startTLS(option)
        case .structuredReply:
            guard payload.isEmpty else { throw Malformed() }
            isStructured = true
            reply(option, .acknowledged)
        case .listMetaContext, .setMetaContext:
            let name = try text(&reader)
            var queries: [String] = []
            for _ in 0..<(try reader.uint32()) { queries.append(try text(&reader)) }
            guard reader.remaining == 0 else { throw Malformed() }
            let set = option == NBDOption.setMetaContext.rawValue
            if set { allocationExport = nil }
            guard isStructured else { return refuse(option, .invalid, "structured replies come first") }
            find(name, option, .metaContexts(queries, name: name, set: set))
        case nil: refuse(option, .unsupported, "this server does not know the option")
        }
    }

    private struct Malformed: Error {}

    /// - Throws: If there is TLS already.
    private mutating func startTLS(_ option: UInt32) throws {
        switch security {
        case .none: refuse(option, .policy, "this socket is for programs of this machine, without TLS")
        case .secured: throw Malformed()
        case .demanded:
            // What was sent ahead came in the clear, from anybody.
            guard input.isEmpty else {
                _ = end()
                return
            }
            reply(option, .acknowledged)
            state = .securing
            pending.append(.secure)
        }
    }

    private func text(_ reader: inout ByteReader) throws -> String {
        let length = try reader.uint32()
        guard length <= NBDLimit.textByteCount else { throw Malformed() }
        guard let text = String(validating: try reader.read(Int(length)), as: UTF8.self) else { throw Malformed() }
        return text
    }

    private mutating func find(_ name: String, _ option: UInt32, _ wish: Wish) {
        state = .finding(option, wish)
        pending.append(.find(name))
    }

    private func transmissionFlags(isReadOnly: Bool) -> UInt16 {
        var flags = NBDTransmissionFlag.hasFlags | NBDTransmissionFlag.sendFlush | NBDTransmissionFlag.sendFUA
        flags |= NBDTransmissionFlag.canMultiConn | NBDTransmissionFlag.sendCache
        flags |= isReadOnly ? NBDTransmissionFlag.readOnly : NBDTransmissionFlag.sendTrim | NBDTransmissionFlag.sendWriteZeroes
        return isStructured ? flags | NBDTransmissionFlag.sendDF : flags
    }

    private mutating func describe(_ option: UInt32, _ kinds: [UInt16], _ name: String, byteCount: UInt64, flags: UInt16) {
        var export = ByteWriter()
        export.write(NBDInformation.export.rawValue)
        export.write(byteCount)
        export.write(flags)
        reply(option, .info, export.bytes)
        var sizes = ByteWriter()
        sizes.write(NBDInformation.blockSize.rawValue)
        sizes.write(UInt32(1))
        sizes.write(NBDLimit.preferredByteCount)
        sizes.write(UInt32(NBDLimit.payloadByteCount))
        reply(option, .info, sizes.bytes)
        for (kind, text) in [(NBDInformation.name, name), (.description, "Coffer disk")] where kinds.contains(kind.rawValue) {
            var writer = ByteWriter()
            writer.write(kind.rawValue)
            writer.write(text.utf8)
            reply(option, .info, writer.bytes)
        }
        reply(option, .acknowledged)
    }

    private mutating func answerContexts(_ option: UInt32, _ queries: [String], _ name: String, set: Bool) {
        let wanted: Set = set ? [NBDAllocationContext.name] : [NBDAllocationContext.name, NBDAllocationContext.namespace]
        if queries.contains(where: wanted.contains) || (!set && queries.isEmpty) {
            var writer = ByteWriter()
            writer.write(set ? NBDAllocationContext.id : 0)
            writer.write(NBDAllocationContext.name.utf8)
            reply(option, .metaContext, writer.bytes)
            if set { allocationExport = name }
        }
        reply(option, .acknowledged)
    }

    private mutating func refuse(_ option: UInt32, _ kind: NBDOptionReply, _ message: String) {
        reply(option, kind, Array(message.utf8.prefix(NBDLimit.textByteCount)))
    }

    private mutating func reply(_ option: UInt32, _ kind: NBDOptionReply, _ payload: [UInt8] = []) {
        var writer = ByteWriter()
        writer.write(NBDMagic.optionReply)
        writer.write(option)
        writer.write(kind.rawValue)
        writer.write(UInt32(truncatingIfNeeded: payload.count))
        writer.write(payload)
        pending.append(.send(writer.bytes))
    }

    private mutating func transmit(_ name: String) {
        // Contexts belong to the export they were set for.
        let agreement = Agreement(
            exportName: name, isStructured: isStructured, reportsAllocation: allocationExport == name, leftover: input)
        input = []
        state = .ended
        pending.append(.transmit(agreement))
    }

    @discardableResult
    private mutating func end() -> Bool {
        state = .ended
        input = []
        return true
    }
}
