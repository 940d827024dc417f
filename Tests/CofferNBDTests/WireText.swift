import CofferCore
@testable import CofferNBD
import CofferNBDWire

/// What a client sends, for tests to write down.
enum Wire {
    static func option(_ option: UInt32, _ payload: [UInt8] = [], magic: UInt64 = NBDMagic.option) -> [UInt8] {
        bytes { writer in
            writer.write(magic)
            writer.write(option)
            writer.write(UInt32(payload.count))
            writer.write(payload)
        }
    }

    static func flags(_ flags: UInt32 = 3) -> [UInt8] { bytes { $0.write(flags) } }

    static func go(_ name: String, _ kinds: [UInt16] = [], option number: UInt32 = 7) -> [UInt8] {
        option(number, bytes { writer in
            writer.write(UInt32(name.utf8.count))
            writer.write(name.utf8)
            writer.write(UInt16(kinds.count))
            for kind in kinds { writer.write(kind) }
        })
    }

    static func metaContext(_ name: String, _ queries: [String], option number: UInt32 = 10) -> [UInt8] {
        option(number, bytes { writer in
            writer.write(UInt32(name.utf8.count))
            writer.write(name.utf8)
            writer.write(UInt32(queries.count))
            for query in queries {
                writer.write(UInt32(query.utf8.count))
                writer.write(query.utf8)
            }
        })
    }

    static func request(
        _ type: UInt16, offset: UInt64 = 0, length: UInt32 = 0, flags: UInt16 = 0, cookie: UInt64 = 77, magic: UInt32 = NBDMagic.request,
        payload: [UInt8] = []
    ) -> [UInt8] {
        bytes { writer in
            writer.write(magic)
            writer.write(flags)
            writer.write(type)
            writer.write(cookie)
            writer.write(offset)
            writer.write(length)
            writer.write(payload)
        }
    }

    static func optionReply(_ option: UInt32, _ kind: NBDOptionReply, _ payload: [UInt8] = []) -> [UInt8] {
        bytes { writer in
            writer.write(NBDMagic.optionReply)
            writer.write(option)
            writer.write(kind.rawValue)
            writer.write(UInt32(payload.count))
            writer.write(payload)
        }
    }

    static func simpleReply(_ error: UInt32 = 0, cookie: UInt64 = 77, _ data: [UInt8] = []) -> [UInt8] {
        bytes { writer in
            writer.write(NBDMagic.simpleReply)
            writer.write(error)
            writer.write(cookie)
            writer.write(data)
        }
    }

    static func chunk(_ kind: NBDChunk, isLast: Bool = true, cookie: UInt64 = 77, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
        let payload = bytes(body)
        return bytes { writer in
            writer.write(NBDMagic.structuredReply)
            writer.write(isLast ? UInt16(1) : 0)
            writer.write(kind.rawValue)
            writer.write(cookie)
            writer.write(UInt32(payload.count))
            writer.write(payload)
        }
    }

    static func bytes(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        body(&writer)
        return writer.bytes
    }
}
