import CofferPlatform

/// Writes an ``AuditRecord`` as JSON text (RFC 8259), always the same for the same record: one line, members in one order,
/// no spaces. By hand, because every request waits for it.
struct AuditRecordWriter {
    private(set) var bytes: [UInt8] = []

    static func json(_ record: AuditRecord) -> [UInt8] {
        var writer = AuditRecordWriter()
        writer.write(record)
        return writer.bytes
    }

    private init() {
        bytes.reserveCapacity(640)
    }

    private mutating func write(_ record: AuditRecord) {
        bytes.append(UInt8(ascii: "{"))
        member("t", record.t)
        member("op", record.op)
        member("ver", record.ver)
        member("st", Int64(record.st))
        member("desc", record.desc)
        member("ms", record.ms)
        member("ip", record.ip)
        member("oid", record.oid)
        member("app", record.app)
        member("upn", record.upn)
        member("cor", record.cor)
        member("id", record.id)
        member("cli", record.cli)
        member("uri", record.uri)
        member("tls", record.tls)
        member("rbac", record.rbac)
        member("pol", record.pol)
        member("kty", record.kty)
        member("bits", record.bits.map(Int64.init))
        member("crv", record.crv)
        member("alg", record.alg)
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func name(_ name: StaticString) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func member(_ name: StaticString, _ value: Int64?) {
        guard let value else { return }
        self.name(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    private mutating func member(_ name: StaticString, _ value: Bool?) {
        guard let value else { return }
        self.name(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    private mutating func member(_ name: StaticString, _ value: String?) {
        guard var value else { return }
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        value.withUTF8 { text in
            if unsafe text.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
                unsafe bytes.append(contentsOf: text)
            } else {
                for unsafe byte in unsafe text { escape(byte) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// The characters that RFC 8259 section 7 does not let stand for themselves; so a record holds no line break.
    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0..<0x20:
            bytes.append(contentsOf: "\\u00".utf8)
            bytes.append(Self.digits[Int(byte >> 4)])
            bytes.append(Self.digits[Int(byte & 15)])
        default:
            bytes.append(byte)
        }
    }

    private static let digits = Array("0123456789abcdef".utf8)
}
