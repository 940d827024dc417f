import CLinux
import Glibc
import Synchronization

/// The file of a disk's ciphertext. Knows bytes, holes and stable storage, and nothing of keys.
@safe
package final class DataFile: DiskStorage, JournalStorage {
    private let file: Int32
    /// Set for good once a write could not be made stable: the kernel forgets such a failure after telling it once, and a later
    /// sync would succeed over lost data.
    private let hasLostWrites = Atomic<Bool>(false)
    private let holes = Atomic<UInt64>(0)

    /// - Throws: ``BlockError/system(_:)`` if the file cannot be opened.
    package init(path: String, isReadOnly: Bool) throws(BlockError) {
        file = unsafe open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Self.failure() }
    }

    deinit { Glibc.close(file) }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        try unsafe read(bytes, at: offset, padsEnd: false)
    }

    /// Fills `bytes` from `offset`.
    ///
    /// - Parameter padsEnd: Whether what lies behind the end of the file reads as zeros, rather than being an error: a disk's file has
    ///   all of its bytes, and one that somebody made shorter has lost some.
    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, padsEnd: Bool) throws(BlockError) {
        var done = 0
        while done < bytes.count {
            let got = unsafe pread(file, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Self.failure() }
            if got == 0 {
                guard padsEnd else { throw .system(EIO) }
                unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).initializeMemory(as: UInt8.self, repeating: 0)
                return
            }
            done += got
        }
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// - Parameter isDurable: Whether to return only when they are on stable storage.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
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
    package func sync() throws(BlockError) {
        if hasLostWrites.load(ordering: .relaxed) { throw .writesLost }
        guard fdatasync(file) == 0 else {
            let error = Self.failure()
            hasLostWrites.store(true, ordering: .relaxed)
            throw error
        }
    }

    /// Makes a range a hole.
    ///
    /// - Returns: Whether the file system can make holes; if not, nothing was changed.
    package func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try isSupported(coffer_punch_hole(file, off_t(offset), off_t(count)))
    }

    /// Makes a range read as a hole and keeps its space.
    ///
    /// - Returns: Whether the file system can do that; if not, nothing was changed.
    package func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try isSupported(coffer_zero_range(file, off_t(offset), off_t(count)))
    }

    /// How many holes were made. What was there before may come back in a power cut until the next sync.
    package var holeCount: UInt64 { holes.load(ordering: .relaxed) }

    private func isSupported(_ status: Int32) throws(BlockError) -> Bool {
        if status == 0 {
            holes.add(1, ordering: .relaxed)
            return true
        }
        guard errno == EOPNOTSUPP else { throw Self.failure() }
        return false
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
    package func prefetch(_ offset: UInt64, _ count: UInt64) {
        _ = posix_fadvise(file, off_t(offset), off_t(count), POSIX_FADV_WILLNEED)
    }

    /// Bytes that the file occupies.
    package func allocatedByteCount() -> UInt64 {
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { return 0 }
        return UInt64(clamping: status.st_blocks) * 512
    }

    private static func failure() -> BlockError {
        switch errno {
        case ENOSPC, EDQUOT, EFBIG: .noSpace
        default: .system(errno)
        }
    }
}
