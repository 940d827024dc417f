import CLinux
import Glibc
import Synchronization

/// The file of a disk's ciphertext. Knows bytes, holes and stable storage, and nothing of keys.
@safe
final class DataFile: Sendable {
    private let file: Int32
    /// Set for good once a write could not be made stable: the kernel forgets such a failure after telling it once, and a later
    /// sync would succeed over lost data.
    private let hasLostWrites = Atomic<Bool>(false)

    /// - Throws: ``BlockError/system(_:)`` if the file cannot be opened.
    init(path: String, isReadOnly: Bool) throws(BlockError) {
        file = unsafe open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Self.failure() }
    }

    deinit { close(file) }

    /// Fills `bytes` from `offset`. What lies behind the end of the file reads as zeros.
    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        var done = 0
        while done < bytes.count {
            let got = unsafe pread(file, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Self.failure() }
            if got == 0 {
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            done += got
        }
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// - Parameter isDurable: Whether to return only when they are on stable storage.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        if isDurable, hasLostWrites.load(ordering: .relaxed) { throw .writesLost }
        var done = 0
        while done < bytes.count {
            let start = unsafe bytes.baseAddress?.advanced(by: done)
            let put = isDurable
                ? unsafe coffer_write_through(file, start, bytes.count - done, off_t(offset) + off_t(done))
                : unsafe pwrite(file, start, bytes.count - done, off_t(offset) + off_t(done))
            if put < 0, errno == EINTR { continue }
            guard put > 0 else {
                let error = Self.failure()
                if isDurable, error != .noSpace { hasLostWrites.store(true, ordering: .relaxed) }
                throw error
            }
            done += put
        }
    }

    /// Puts everything written so far on stable storage.
    func sync() throws(BlockError) {
        if hasLostWrites.load(ordering: .relaxed) { throw .writesLost }
        guard fdatasync(file) == 0 else {
            let error = Self.failure()
            hasLostWrites.store(true, ordering: .relaxed)
            throw error
        }
    }

    /// Makes a range read as zeros and gives its space back where the file system can; else writes zeros.
    func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        if coffer_punch_hole(file, off_t(offset), off_t(count)) == 0 { return }
        guard errno == EOPNOTSUPP else { throw Self.failure() }
        try fillWithZeros(offset, count)
    }

    /// Gives a range's space back if the file system can.
    func discard(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        guard coffer_punch_hole(file, off_t(offset), off_t(count)) == 0 || errno == EOPNOTSUPP else { throw Self.failure() }
    }

    /// Makes a range read as zeros and keeps its space.
    func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        if coffer_zero_range(file, off_t(offset), off_t(count)) == 0 { return }
        guard errno == EOPNOTSUPP else { throw Self.failure() }
        try fillWithZeros(offset, count)
    }

    /// Where the first data at or after `offset` begins, or nil if there is none.
    func nextData(_ offset: UInt64) throws(BlockError) -> UInt64? {
        let found = coffer_seek_data(file, off_t(offset))
        if found >= 0 { return UInt64(found) }
        guard errno == ENXIO else { throw Self.failure() }
        return nil
    }

    /// Where the first hole at or after `offset` begins; the end of the file is one.
    func nextHole(_ offset: UInt64) throws(BlockError) -> UInt64 {
        let found = coffer_seek_hole(file, off_t(offset))
        guard found >= 0 else { throw Self.failure() }
        return UInt64(found)
    }

    /// Asks the kernel to read a range ahead.
    func prefetch(_ offset: UInt64, _ count: UInt64) {
        _ = posix_fadvise(file, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
    }

    /// Bytes that the file occupies.
    func allocatedByteCount() -> UInt64 {
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { return 0 }
        return UInt64(clamping: status.st_blocks) * 512
    }

    private func fillWithZeros(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        var done: UInt64 = 0
        while done < count {
            let piece = min(count - done, UInt64(Self.zeros.count))
            let at = offset + done
            try unsafe write(UnsafeRawBufferPointer(rebasing: Self.zeros.bytes[..<Int(piece)]), at: at, isDurable: false)
            done += piece
        }
    }

    /// A megabyte of zeros, for file systems without holes.
    private static let zeros = ZeroPage()

    private static func failure() -> BlockError {
        switch errno {
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        default: .system(errno)
        }
    }
}

/// Zeros that live as long as the process.
@safe
private final class ZeroPage: Sendable {
    let count = 1 << 20
    // SAFETY: never written after `init`, never freed.
    nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    init() {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0)
        unsafe bytes = UnsafeRawBufferPointer(memory)
    }
}
