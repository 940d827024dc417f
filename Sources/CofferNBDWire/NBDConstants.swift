// The numbers of the NBD protocol, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md. All are big-endian on the wire.

/// What messages begin with.
package enum NBDMagic {
    /// "NBDMAGIC"
    package static let server: UInt64 = 0x4E42_444D_4147_4943
    /// "IHAVEOPT"
    package static let option: UInt64 = 0x4948_4156_454F_5054
    package static let optionReply: UInt64 = 0x0003_E889_0455_65A9
    package static let request: UInt32 = 0x2560_9513
    package static let simpleReply: UInt32 = 0x6744_6698
    package static let structuredReply: UInt32 = 0x668E_33EF
}

/// What server and client say of themselves first; the same bits both ways.
package enum NBDHandshakeFlag {
    package static let fixedNewstyle: UInt16 = 1
    package static let noZeroes: UInt16 = 2
}

/// What a client asks for before it transmits.
package enum NBDOption: UInt32, Sendable {
    case exportName = 1
    case abort = 2
    case list = 3
    case startTLS = 5
    case info = 6
    case go = 7
    case structuredReply = 8
    case listMetaContext = 9
    case setMetaContext = 10
}

/// How an option is answered.
package enum NBDOptionReply: UInt32, Sendable {
    case acknowledged = 1
    case server = 2
    case info = 3
    case metaContext = 4
    case unsupported = 0x8000_0001
    case policy = 0x8000_0002
    case invalid = 0x8000_0003
    case tlsRequired = 0x8000_0005
    case unknown = 0x8000_0006
    case tooBig = 0x8000_0009

    /// Set in all replies that refuse.
    package static let refusal: UInt32 = 1 << 31
}

/// What `go` and `info` tell of an export.
package enum NBDInformation: UInt16, Sendable {
    case export = 0
    case name = 1
    case description = 2
    case blockSize = 3
}

/// What an export can do.
package enum NBDTransmissionFlag {
    package static let hasFlags: UInt16 = 1 << 0
    package static let readOnly: UInt16 = 1 << 1
    package static let sendFlush: UInt16 = 1 << 2
    package static let sendFUA: UInt16 = 1 << 3
    package static let sendTrim: UInt16 = 1 << 5
    package static let sendWriteZeroes: UInt16 = 1 << 6
    package static let sendDF: UInt16 = 1 << 7
    package static let canMultiConn: UInt16 = 1 << 8
    package static let sendCache: UInt16 = 1 << 10
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
package enum NBDCommandFlag {
    /// Not answered before what it wrote is on stable storage.
    package static let fua: UInt16 = 1 << 0
    /// Zeros keep their space.
    package static let noHole: UInt16 = 1 << 1
    /// A read is answered in one chunk.
    package static let dontFragment: UInt16 = 1 << 2
    /// A block status is answered with one extent.
    package static let requestOne: UInt16 = 1 << 3
}

/// The chunks of a structured reply.
package enum NBDChunk: UInt16, Sendable {
    case none = 0
    case offsetData = 1
    case offsetHole = 2
    case blockStatus = 5
    case error = 0x8001

    /// Flag of the last chunk of a reply.
    package static let done: UInt16 = 1
    /// Set in all chunks that tell of an error.
    package static let errorBit: UInt16 = 1 << 15
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

/// The sizes that both sides hold each other to.
package enum NBDLimit {
    /// The longest read or write, in bytes; advertised as the maximum block size.
    package static let payloadByteCount = 32 << 20
    /// The block size that clients are asked to prefer, in bytes.
    package static let preferredByteCount: UInt32 = 4096
    /// The longest text in the handshake, in bytes (the protocol's own bound).
    package static let textByteCount = 4096
    /// The longest option that is read, in bytes.
    package static let optionByteCount = 65_536
    /// The longest option that is skipped politely, in bytes; a client that sends more is dropped.
    package static let skippedOptionByteCount = 1 << 20
    /// The extents in one answer to a block status.
    package static let extentCount = 512
    /// Options in one handshake; a client that sends more is dropped.
    package static let optionCount = 1024
    /// Replies to one option that a client takes.
    package static let replyCount = 64
    /// The longest chunk that is no data, in bytes, that a client takes.
    package static let chunkByteCount = 1 << 20
    /// The longest range of one command without data, in bytes, that a client asks for.
    package static let rangeByteCount: UInt64 = 1 << 30
}

/// The one metadata context that is used: which parts of a disk read as zeros.
package enum NBDAllocationContext {
    package static let name = "base:allocation"
    package static let namespace = "base:"
    /// This server's number for it.
    package static let id: UInt32 = 1
    /// NBD_STATE_HOLE and NBD_STATE_ZERO.
    package static let hole: UInt32 = 3
    /// NBD_STATE_ZERO.
    package static let zero: UInt32 = 2
}
