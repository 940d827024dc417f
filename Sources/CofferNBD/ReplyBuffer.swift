import CofferNBDWire
import Glibc

/// Answers on their way to a client, collected so that one system call sends many.
@safe
final class ReplyBuffer {
    /// Length of a simple reply's header in bytes.
    static let simpleByteCount = 16
    /// Length of a structured chunk's header in bytes.
    static let chunkByteCount = 20

    private let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(capacity: Int) {
        unsafe memory = .allocate(byteCount: capacity, alignment: 4096)
    }

    /// Bytes that still fit.
    var room: Int { unsafe memory.count - count }

    /// `length` bytes of memory, `skip` bytes behind what is collected. They count once ``advance(_:)`` says so.
    func space(after skip: Int = 0, _ length: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count + skip..<count + skip + length])
    }

    /// Takes `length` bytes that were put into ``space(after:_:)``.
    func advance(_ length: Int) {
        count += length
    }

    func put<I: FixedWidthInteger & BitwiseCopyable>(_ value: I) {
        unsafe memory.storeBytes(of: value.bigEndian, toByteOffset: count, as: I.self)
        count += MemoryLayout<I>.size
    }

    /// Takes back what was put after the first `length` bytes.
    func truncate(to length: Int) {
        count = length
    }

    /// Overwrites a number that was put `position` bytes from the start.
    func put(_ value: UInt32, at position: Int) {
        unsafe memory.storeBytes(of: value.bigEndian, toByteOffset: position, as: UInt32.self)
    }

    func putSimpleReply(_ cookie: UInt64, _ error: NBDError? = nil) {
        put(NBDMagic.simpleReply)
        put(error?.rawValue ?? 0)
        put(cookie)
    }

    func putChunk(_ kind: NBDChunk, _ cookie: UInt64, isLast: Bool, byteCount: Int) {
        put(NBDMagic.structuredReply)
        put(isLast ? NBDChunk.done : 0)
        put(kind.rawValue)
        put(cookie)
        put(UInt32(truncatingIfNeeded: byteCount))
    }

    /// The last chunk of a reply that failed.
    func putErrorChunk(_ cookie: UInt64, _ error: NBDError) {
        putChunk(.error, cookie, isLast: true, byteCount: 6)
        put(error.rawValue)
        put(UInt16(0))
    }

    /// Sends what is collected.
    ///
    /// - Returns: Whether the client can still take it.
    func send(to stream: some ByteStream) -> Bool {
        guard count > 0 else { return true }
        defer { count = 0 }
        return unsafe stream.send(UnsafeRawBufferPointer(rebasing: memory[..<count]))
    }

    deinit {
        // A guest's plaintext is not left in freed memory.
        if let base = unsafe memory.baseAddress { unsafe explicit_bzero(base, memory.count) }
        unsafe memory.deallocate()
    }
}
