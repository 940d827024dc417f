// The numbers of the NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md. All are big-endian on the wire.

/// What messages begin with.
enum NBDMagic {
    /// "NBDMAGIC"
    static let server: UInt64 = 0x4E42_444D_4147_4943
    /// "IHAVEOPT"
    static let option: UInt64 = 0x4948_4156_454F_5054
    static let optionReply: UInt64 = 0x0003_E889_0455_65A9
    static let request: UInt32 = 0x2560_9513
    static let simpleReply: UInt32 = 0x6744_6698
    static let structuredReply: UInt32 = 0x668E_33EF
}

/// What server and client say of themselves first; the same bits both ways.
enum NBDHandshakeFlag {
    static let fixedNewstyle: UInt16 = 1
    static let noZeroes: UInt16 = 2
}

/// What a client asks for before it transmits.
enum NBDOption: UInt32 {
    case exportName = 1
    case abort = 2
    case list = 3
    case info = 6
    case go = 7
    case structuredReply = 8
    case listMetaContext = 9
    case setMetaContext = 10
}

/// How an option is answered.
enum NBDOptionReply: UInt32 {
    case acknowledged = 1
    case server = 2
    case info = 3
    case metaContext = 4
    case unsupported = 0x8000_0001
    case policy = 0x8000_0002
    case invalid = 0x8000_0003
    case unknown = 0x8000_0006
    case tooBig = 0x8000_0009
}

/// What `go` and `info` tell of an export.
enum NBDInformation: UInt16 {
    case export = 0
    case name = 1
    case description = 2
    case blockSize = 3
}

/// What an export can do.
enum NBDTransmissionFlag {
    static let hasFlags: UInt16 = 1 << 0
    static let readOnly: UInt16 = 1 << 1
    static let sendFlush: UInt16 = 1 << 2
    static let sendFUA: UInt16 = 1 << 3
    static let sendTrim: UInt16 = 1 << 5
    static let sendWriteZeroes: UInt16 = 1 << 6
    static let sendDF: UInt16 = 1 << 7
    static let canMultiConn: UInt16 = 1 << 8
    static let sendCache: UInt16 = 1 << 10
}

/// What a client asks for when it transmits.
package enum NBDCommand: UInt16, Sendable {
    case read = 0
    case write = 1
    case disconnect = 2
    case flush = 3
    case trim = 4
    case cache = 5
    case writeZeroes = 6
    case blockStatus = 7
}

/// How a command is to be done.
enum NBDCommandFlag {
    /// Not answered before what it wrote is on stable storage.
    static let fua: UInt16 = 1 << 0
    /// Zeros keep their space.
    static let noHole: UInt16 = 1 << 1
    /// A read is answered in one chunk.
    static let dontFragment: UInt16 = 1 << 2
    /// A block status is answered with one extent.
    static let requestOne: UInt16 = 1 << 3
}

/// The chunks of a structured reply.
enum NBDChunk: UInt16 {
    case none = 0
    case offsetData = 1
    case offsetHole = 2
    case blockStatus = 5
    case error = 0x8001

    /// The last chunk of a reply.
    static let done: UInt16 = 1
}

/// Why a command failed: Linux's errno values, which the protocol adopted.
package enum NBDError: UInt32, Error, Equatable, Sendable {
    case notPermitted = 1
    case inputOutput = 5
    case invalid = 22
    case noSpace = 28
    case overflow = 75
    case shuttingDown = 108
}

/// The sizes that this server holds clients to.
package enum NBDLimit {
    /// The longest read or write, in bytes; advertised as the maximum block size.
    package static let payloadByteCount = 32 << 20
    /// The block size that clients are asked to prefer, in bytes.
    static let preferredByteCount: UInt32 = 4096
    /// The longest text in the handshake, in bytes (the protocol's own bound).
    static let textByteCount = 4096
    /// The longest option that is read, in bytes.
    static let optionByteCount = 65_536
    /// The longest option that is skipped politely, in bytes; a client that sends more is dropped.
    static let skippedOptionByteCount = 1 << 20
    /// The extents in one answer to a block status.
    static let extentCount = 512
    /// Options in one handshake; a client that sends more is dropped.
    static let optionCount = 1024
}

/// The one metadata context that this server has.
enum NBDAllocationContext {
    static let name = "base:allocation"
    static let namespace = "base:"
    static let id: UInt32 = 1
    /// NBD_STATE_HOLE and NBD_STATE_ZERO.
    static let hole: UInt32 = 3
}
