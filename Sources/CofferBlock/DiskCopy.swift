import CLinux
import CofferDiskFormat
import Glibc
import Synchronization

/// Copies the ciphertext of a disk as it is at one moment, while the disk may be in use.
///
/// The moment is when ``hold(_:)`` returns. From then on writes to what is not copied yet wait; reads never do. Where the file
/// system can share blocks, that is over at once; elsewhere it lasts until their part of the disk is copied.
package final class DiskCopy: DiskCopying {
    /// Bytes that are copied: the source's size when the copy began.
    package let byteCount: UInt64

    private let source: CopiedFile
    private let target: CopiedFile
    private let pieceByteCount: UInt64
    private let pieceCount: Int
    /// The range lock knows a piece by `firstOwner - index`. Connections count from 0 upwards.
    private let firstOwner: Int
    private let state = Mutex(State())
    private let copied = Atomic<UInt64>(0)
    private let isCancelled = Atomic<Bool>(false)

    private struct State {
        /// The disk whose writers wait.
        var held: EncryptedDisk?
        /// The first piece that is not copied.
        var next = 0
    }

    private static let nextOwner = Atomic<Int>(-1)
    private static let maximumPieceCount: UInt64 = 256
    private static let minimumPieceByteCount: UInt64 = 4 << 20
    /// Bytes between two looks at whether to go on.
    private static let stepByteCount: UInt64 = 8 << 20

    /// Opens both files; nothing is copied yet.
    ///
    /// - Parameters:
    ///   - targetPath: A file of `byteCount` bytes, all hole.
    ///   - byteCount: A multiple of 4096.
    /// - Throws: ``BlockError/system(_:)`` if a file cannot be opened.
    package init(from sourcePath: String, to targetPath: String, byteCount: UInt64) throws(BlockError) {
        self.byteCount = byteCount
        source = try CopiedFile(sourcePath, O_RDONLY)
        target = try CopiedFile(targetPath, O_RDWR)
        let sector = UInt64(DiskHeader.sectorByteCount)
        let even = (byteCount / Self.maximumPieceCount / sector + 1) * sector
        pieceByteCount = max(Self.minimumPieceByteCount, even)
        pieceCount = Int((byteCount + pieceByteCount - 1) / pieceByteCount)
        firstOwner = Self.nextOwner.subtract(pieceCount, ordering: .relaxed).oldValue
    }

    /// How much is copied, in bytes from the start.
    package var copiedByteCount: UInt64 { copied.load(ordering: .relaxed) }

    /// Makes writes to what is not copied yet wait, once those in progress have ended. To be called before ``run()``, and for a
    /// disk that is opened meanwhile before it has clients.
    package func hold(_ disk: EncryptedDisk) {
        state.withLock { state in
            guard state.next < pieceCount else { return }
            for index in state.next..<pieceCount {
                let (start, end) = piece(index)
                disk.ranges.acquire(firstOwner - index, start, end, isShared: true)
            }
            state.held = disk
        }
    }

    /// Copies. Nothing is on stable storage before the target is synced.
    ///
    /// - Throws: ``BlockError/closed`` if ``cancel()`` was called; ``BlockError/noSpace`` and ``BlockError/system(_:)``. No writer
    ///   waits any more then.
    package func run() throws(BlockError) {
        defer { release(upTo: pieceCount) }
        if try shareBlocks() {
            copied.store(byteCount, ordering: .relaxed)
            return
        }
        for index in 0..<pieceCount {
            let (start, end) = piece(index)
            try copy(start, end)
            release(upTo: index + 1)
        }
    }

    /// Ends ``run()`` soon.
    package func cancel() { isCancelled.store(true, ordering: .relaxed) }

    private func piece(_ index: Int) -> (start: UInt64, end: UInt64) {
        let start = UInt64(index) * pieceByteCount
        return (start, min(byteCount, start + pieceByteCount))
    }

    private func release(upTo end: Int) {
        state.withLock { state in
            guard state.next < end else { return }
            if let held = state.held {
                for index in state.next..<end { held.ranges.release(firstOwner - index) }
            }
            state.next = end
            if end == pieceCount { state.held = nil }
        }
    }

    private func shareBlocks() throws(BlockError) -> Bool {
        guard coffer_clone_file(target.descriptor, source.descriptor) == 0 else {
            if errno == ENOSPC || errno == EDQUOT { throw .noSpace }
            return false
        }
        // The source is longer while it is being made larger.
        guard ftruncate(target.descriptor, off_t(byteCount)) == 0 else { throw .system(errno) }
        return true
    }

    private func copy(_ start: UInt64, _ end: UInt64) throws(BlockError) {
        var position = start
        while position < end {
            let data = coffer_seek_data(source.descriptor, off_t(position))
            guard data >= 0 || errno == ENXIO else { throw .system(errno) }
            guard data >= 0, UInt64(data) < end else { break }
            let hole = coffer_seek_hole(source.descriptor, data)
            guard hole >= 0 else { throw .system(errno) }
            position = UInt64(data)
            let stop = min(end, UInt64(hole))
            while position < stop {
                if isCancelled.load(ordering: .relaxed) { throw .closed }
                position += try target.take(from: source, position, min(Self.stepByteCount, stop - position))
                copied.store(position, ordering: .relaxed)
            }
        }
        if isCancelled.load(ordering: .relaxed) { throw .closed }
        copied.store(end, ordering: .relaxed)
    }
}

/// A file that is copied from or to.
private final class CopiedFile: Sendable {
    let descriptor: Int32

    init(_ path: String, _ flags: Int32) throws(BlockError) {
        descriptor = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw .system(errno) }
    }

    deinit { close(descriptor) }

    /// Copies up to `count` bytes at `offset` from `source`.
    ///
    /// - Returns: Bytes copied, at least one.
    func take(from source: CopiedFile, _ offset: UInt64, _ count: UInt64) throws(BlockError) -> UInt64 {
        let done = coffer_copy_range(source.descriptor, off_t(offset), descriptor, off_t(offset), Int(count))
        if done > 0 { return UInt64(done) }
        switch done < 0 ? errno : EIO {
        case EINTR: return try take(from: source, offset, count)
        case EXDEV, EINVAL, ENOSYS, EOPNOTSUPP: return try takeThroughMemory(from: source, offset, Int(min(count, 1 << 20)))
        case ENOSPC, EDQUOT, EFBIG: throw .noSpace
        case let code: throw .system(code)
        }
    }

    private func takeThroughMemory(from source: CopiedFile, _ offset: UInt64, _ count: Int) throws(BlockError) -> UInt64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        let got = unsafe pread(source.descriptor, buffer.baseAddress, count, off_t(offset))
        guard got > 0 else { throw .system(got < 0 ? errno : EIO) }
        let put = unsafe pwrite(descriptor, buffer.baseAddress, got, off_t(offset))
        guard put > 0 else { throw errno == ENOSPC || errno == EDQUOT ? .noSpace : .system(errno) }
        return UInt64(put)
    }
}
