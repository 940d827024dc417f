import CofferCore
import CofferModel

/// What was agreed on with a server about an export.
struct NBDAgreement: Equatable {
    /// The size in bytes.
    let byteCount: UInt64
    /// The server's number for `base:allocation`.
    let allocationContext: UInt32
}

/// The first part of a conversation: finds the export and agrees on structured replies and on what tells of holes.
struct NBDHandshaker {
    let wire: any ByteWire

    /// - Throws: ``DiskFailure`` with the server's own words if it refuses.
    func agree(on export: String) throws(DiskFailure) -> NBDAgreement {
        var greeting = ByteReader(try wire.receive(18))
        let flags: UInt16
        do {
            guard try greeting.uint64() == NBDMagic.server, try greeting.uint64() == NBDMagic.option else { throw DiskFailure.notNBD }
            flags = try greeting.uint16()
        } catch {
            throw DiskFailure.notNBD
        }
        guard flags & NBDHandshake.fixedNewstyle != 0 else { throw DiskFailure.notNBD }
        var hello = ByteWriter()
        hello.write(UInt32(flags & (NBDHandshake.fixedNewstyle | NBDHandshake.noZeroes)))
        try wire.send(hello.bytes)
        _ = try ask(NBDOption.structuredReply, [])
        let context = try ask(NBDOption.setMetaContext, Self.contextQuery(export)).first { $0.type == NBDOptionReply.metaContext }
        let information = try ask(NBDOption.go, Self.goQuery(export))
        guard var number = context.map({ ByteReader($0.body) }), let id = try? number.uint32() else {
            throw DiskFailure(.system, "the disk's host does not tell of holes")
        }
        for reply in information where reply.type == NBDOptionReply.information {
            var reader = ByteReader(reply.body)
            guard let kind = try? reader.uint16(), kind == NBDOptionReply.export, let byteCount = try? reader.uint64() else { continue }
            return NBDAgreement(byteCount: byteCount, allocationContext: id)
        }
        throw DiskFailure.notNBD
    }

    private struct Reply {
        let type: UInt32
        let body: [UInt8]
    }

    /// Sends an option and gathers what is answered, up to the acknowledgement.
    private func ask(_ option: UInt32, _ body: [UInt8]) throws(DiskFailure) -> [Reply] {
        var message = ByteWriter()
        message.write(NBDMagic.option)
        message.write(option)
        message.write(UInt32(clamping: body.count))
        message.write(body)
        try wire.send(message.bytes)
        var replies: [Reply] = []
        for _ in 0..<NBDLimit.replyCount {
            let reply = try reply(to: option)
            if reply.type == NBDOptionReply.acknowledged { return replies }
            guard reply.type & NBDOptionReply.refusal == 0 else {
                let words = String(decoding: reply.body.prefix(1000), as: UTF8.self)
                throw DiskFailure(.busy, words.isEmpty ? "the disk's host refuses the export" : "the disk's host refuses the export: \(words)")
            }
            replies.append(reply)
        }
        throw DiskFailure.notNBD
    }

    private func reply(to option: UInt32) throws(DiskFailure) -> Reply {
        var header = ByteReader(try wire.receive(20))
        let (type, length): (UInt32, UInt32)
        do {
            guard try header.uint64() == NBDMagic.optionReply, try header.uint32() == option else { throw DiskFailure.notNBD }
            (type, length) = (try header.uint32(), try header.uint32())
        } catch {
            throw DiskFailure.notNBD
        }
        guard length <= NBDLimit.optionByteCount else { throw DiskFailure.notNBD }
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
        write(NBDAllocation.context, &query)
        return query.bytes
    }

    private static func write(_ text: String, _ query: inout ByteWriter) {
        query.write(UInt32(clamping: text.utf8.count))
        query.write(text.utf8)
    }
}

extension DiskFailure {
    /// Whoever answers speaks something else.
    static let notNBD = DiskFailure(.system, "the disk's host gave an answer that is not of the NBD protocol")
}
