import Glibc

/// What a client sent and nobody has used yet. Requests are read from it, and the payloads of writes are encrypted in it.
@safe
final class ReceiveBuffer {
    private let memory: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0

    init(capacity: Int, holding bytes: [UInt8]) {
        unsafe memory = .allocate(byteCount: max(capacity, bytes.count), alignment: 4096)
        unsafe memory.copyBytes(from: bytes)
        end = bytes.count
    }

    /// Bytes at hand.
    var count: Int { end - start }

    /// The first `count` bytes, which must be at hand. They stay valid until the next ``fill(_:from:)``.
    func first(_ count: Int) -> UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(rebasing: memory[start..<start + count])
    }

    /// Takes away the first `count` bytes.
    func drop(_ count: Int) {
        start += count
    }

    /// Receives until `wanted` bytes are at hand; `wanted` is at most the capacity.
    ///
    /// - Returns: Whether they are; if not, no more will come.
    func fill(_ wanted: Int, from stream: some ByteStream) -> Bool {
        while count < wanted {
            if start == end {
                start = 0
                end = 0
            } else if unsafe start + wanted > memory.count {
                if let base = unsafe memory.baseAddress { unsafe memmove(base, base.advanced(by: start), count) }
                end -= start
                start = 0
            }
            let free = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[end...])
            let got = unsafe stream.receive(into: free)
            guard got > 0 else { return false }
            end += got
        }
        return true
    }

    deinit {
        // A guest's plaintext is not left in freed memory.
        if let base = unsafe memory.baseAddress { unsafe explicit_bzero(base, memory.count) }
        unsafe memory.deallocate()
    }
}
