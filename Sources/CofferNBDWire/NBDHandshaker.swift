import CofferCore

/// What was agreed on with a server about an export.
package struct NBDAgreement: Equatable, Sendable {
    /// The size in bytes.
    package let byteCount: UInt64
    /// The server's number for `base:allocation`.
    let allocationContext: UInt32
}

/// The first part of a conversation: finds the export and agrees on structured replies and on what tells of holes.
struct NBDHandshaker {
    let wire: any ByteWire

    /// - Throws: ``NBDFailure``, such as ``NBDFailure/refused(_:)`` with the server's own words.
    func agree(on export: String) throws(NBDFailure) -> NBDAgreement {
        var greeting = ByteReader(try wire.receive(18))
        let flags: UInt16
        do {
            guard try greeting.uint64() == NBDMagic.server, try greeting.uint64() == NBDMagic.option else { throw NBDFailure.malformed }
            flags = try greeting.uint16()
        } catch {
            throw NBDFailure.malformed
        }
        guard flags & NBDHandshakeFlag.fixedNewstyle != 0 else { throw NBDFailure.malformed }
        var hello = ByteWriter()
        hello.write(UInt32(flags & (NBDHandshakeFlag.fixedNewstyle | NBDHandshakeFlag.noZeroes)))
        try wire.send(hello.bytes)
        if let securable = wire as? any SecurableWire {
            // Nothing behind the answer has been received yet, so that nothing that came in the clear counts.
            _ = try ask(NBDOption.startTLS, [])
            try securable.secure()
        }
        _ = try ask(NBDOption.structuredReply, [])
        let context = try ask(NBDOption.setMetaContext, Self.contextQuery(export)).first { $0.type == NBDOptionReply.metaContext.rawValue }
        let information = try ask(NBDOption.go, Self.goQuery(export))
        guard var number = context.map({ ByteReader($0.body) }), let id = try? number.uint32() else {
            throw NBDFailure.refused("the server does not tell of holes")
        }
        for reply in information where reply.type == NBDOptionReply.info.rawValue {
            var reader = ByteReader(reply.body)
            guard let kind = try? reader.uint16(), kind == NBDInformation.export.rawValue, let byteCount = try? reader.uint64() else { continue }
            return NBDAgreement(byteCount: byteCount, allocationContext: id)
        }
        throw NBDFailure.malformed
    }

    private struct Reply {
        let type: UInt32
        let body: [UInt8]
    }

    /// Sends an option and gathers what is answered, up to the acknowledgement.
    private func ask(_ option: NBDOption, _ body: [UInt8]) throws(NBDFailure) -> [Reply] {
        var message = ByteWriter()
        message.write(NBDMagic.option)
        message.write(option.rawValue)
        message.write(UInt32(clamping: body.count))
        message.write(body)
        try wire.send(message.bytes)
        var replies: [Reply] = []
        for _ in 0..<NBDLimit.replyCount {
            let reply = try reply(to: option.rawValue)
            if reply.type == NBDOptionReply.acknowledged.rawValue { return replies }
            guard reply.type & NBDOptionReply.refusal == 0 else {
                throw NBDFailure.refused(String(decoding: reply.body.prefix(1000), as: UTF8.self))
            }
            replies.append(reply)
        }
        throw NBDFailure.malformed
    }

    private func reply(to option: UInt32) throws(NBDFailure) -> Reply {
        var header = ByteReader(try wire.receive(20))
        let (type, length): (UInt32, UInt32)
        do {
            guard try header.uint64() == NBDMagic.optionReply, try header.uint32() == option else { throw NBDFailure.malformed }
            (type, length) = (try header.uint32(), try header.uint32())
        } catch {
            throw NBDFailure.malformed
        }
        guard Int(length) <= NBDLimit.optionByteCount else { throw NBDFailure.malformed }
        return Reply(type: type, body: try wire.receive(Int(length)))
    }

    private static func goQuery(_ export: String) -> [UInt8] {
        var query = ByteWriter()
        write(export, &query)
        query.write(UInt16(0))
        return query.bytes
    }

    private static func contextQuery(_ export: String) -> [UInt8] {
        var query = ByteWriter()
        write(export, &query)
        query.write(UInt32(1))
        write(NBDAllocationContext.name, &query)
        return query.bytes
    }

    private static func write(_ text: String, _ query: inout ByteWriter) {
        query.write(UInt32(clamping: text.utf8.count))
        query.write(text.utf8)
    }
}
