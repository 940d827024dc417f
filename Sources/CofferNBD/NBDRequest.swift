package import CofferNBDWire

/// A command of a client, as it came.
package struct NBDRequest: Equatable, Sendable {
    /// Length on the wire in bytes, without the payload of a write.
    package static let byteCount = 28

    package let flags: UInt16
    package let type: UInt16
    /// The client's name for the request, returned with the answer.
    package let cookie: UInt64
    package let offset: UInt64
    package let length: UInt32

    package init(flags: UInt16, type: UInt16, cookie: UInt64, offset: UInt64, length: UInt32) {
        self.flags = flags
        self.type = type
        self.cookie = cookie
        self.offset = offset
        self.length = length
    }

    /// - Parameter bytes: At least ``byteCount`` bytes, of which the first are read.
    /// - Returns: nil if they do not begin as a request does, so that nothing after them can be understood.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.byteCount, unsafe Self.load(bytes, 0) as UInt32 == NBDMagic.request else { return nil }
        flags = unsafe Self.load(bytes, 4)
        type = unsafe Self.load(bytes, 6)
        cookie = unsafe Self.load(bytes, 8)
        offset = unsafe Self.load(bytes, 16)
        length = unsafe Self.load(bytes, 24)
    }

    private static func load<I: FixedWidthInteger & BitwiseCopyable>(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> I {
        unsafe I(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: I.self))
    }
}

/// What an export's clients may ask, decided from the request alone.
package struct RequestRules: Equatable, Sendable {
    /// The size of the export in bytes.
    package let byteCount: UInt64
    package let isReadOnly: Bool
    package let isStructured: Bool
    package let reportsAllocation: Bool

    package init(byteCount: UInt64, isReadOnly: Bool, isStructured: Bool, reportsAllocation: Bool) {
        self.byteCount = byteCount
        self.isReadOnly = isReadOnly
        self.isStructured = isStructured
        self.reportsAllocation = reportsAllocation
    }

    /// The command to do.
    ///
    /// - Throws: What the client is told instead. The payload of a refused write still has to be read.
    package func command(of request: NBDRequest) throws(NBDError) -> NBDCommand {
        guard let command = NBDCommand(rawValue: request.type) else { throw .invalid }
        guard request.flags & ~allowedFlags(command) == 0 else { throw .invalid }
        switch command {
        case .disconnect: return command
        case .flush:
            guard request.offset == 0, request.length == 0 else { throw .invalid }
            return command
        case .write, .trim, .writeZeroes:
            guard !isReadOnly else { throw .notPermitted }
            guard request.length > 0 else { throw .invalid }
            guard fits(request) else { throw .noSpace }
        case .read, .cache, .blockStatus:
            guard request.length > 0, fits(request) else { throw .invalid }
            if command == .blockStatus, !reportsAllocation { throw .invalid }
        }
        if command == .read || command == .write, request.length > NBDLimit.payloadByteCount { throw .overflow }
        return command
    }

    private func fits(_ request: NBDRequest) -> Bool {
        request.offset <= byteCount && UInt64(request.length) <= byteCount - request.offset
    }

    private func allowedFlags(_ command: NBDCommand) -> UInt16 {
        switch command {
        case .read: isStructured ? NBDCommandFlag.fua | NBDCommandFlag.dontFragment : NBDCommandFlag.fua
        case .writeZeroes: NBDCommandFlag.fua | NBDCommandFlag.noHole
        case .blockStatus: NBDCommandFlag.fua | NBDCommandFlag.requestOne
        // The protocol lets FUA stand on every command.
        case .write, .disconnect, .flush, .trim, .cache: NBDCommandFlag.fua
        }
    }
}
