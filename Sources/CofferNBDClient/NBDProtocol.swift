// The numbers of the NBD protocol that this client speaks, https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md.
// All are big-endian on the wire.

/// What messages begin with.
enum NBDMagic {
    static let server: UInt64 = 0x4E42_444D_4147_4943
    static let option: UInt64 = 0x4948_4156_454F_5054
    static let optionReply: UInt64 = 0x0003_E889_0455_65A9
    static let request: UInt32 = 0x2560_9513
    static let simpleReply: UInt32 = 0x6744_6698
    static let structuredReply: UInt32 = 0x668E_33EF
}

/// What server and client say of themselves first; the same bits both ways.
enum NBDHandshake {
    static let fixedNewstyle: UInt16 = 1
    static let noZeroes: UInt16 = 2
}

enum NBDOption {
    static let go: UInt32 = 7
    static let structuredReply: UInt32 = 8
    static let setMetaContext: UInt32 = 10
}

enum NBDOptionReply {
    static let acknowledged: UInt32 = 1
    static let information: UInt32 = 3
    static let metaContext: UInt32 = 4
    /// Set in all replies that refuse.
    static let refusal: UInt32 = 1 << 31
    /// The part of an ``information`` that has the size and the flags.
    static let export: UInt16 = 0
}

enum NBDCommand {
    static let read: UInt16 = 0
    static let write: UInt16 = 1
    static let disconnect: UInt16 = 2
    static let writeZeroes: UInt16 = 6
    static let blockStatus: UInt16 = 7
    /// Not answered before what it wrote is on stable storage.
    static let fua: UInt16 = 1
}

/// The chunks of a structured reply.
enum NBDChunk {
    static let none: UInt16 = 0
    static let data: UInt16 = 1
    static let hole: UInt16 = 2
    static let blockStatus: UInt16 = 5
    /// Set in all chunks that tell of an error.
    static let error: UInt16 = 1 << 15
    /// Flag of the last chunk.
    static let done: UInt16 = 1
}

/// What this client takes from a server.
enum NBDLimit {
    /// The longest read or write, in bytes; every server takes as much.
    static let payloadByteCount = 32 << 20
    /// The longest reply in the handshake, in bytes.
    static let optionByteCount: UInt32 = 64 << 10
    /// Replies to one option.
    static let replyCount = 64
    /// The longest chunk that is no data, in bytes.
    static let chunkByteCount = 1 << 20
    /// The longest range of one command, in bytes.
    static let rangeByteCount: UInt64 = 1 << 30
}

/// Its bit tells which parts of a disk read as zeros.
enum NBDAllocation {
    static let context = "base:allocation"
    static let zero: UInt32 = 2
}
