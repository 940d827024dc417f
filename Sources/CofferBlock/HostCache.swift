import CofferCore
import CofferDiskFormat
import Glibc

/// A host's cache of a disk that is kept far away: a storage over another, with a file on this machine between.
///
/// It holds what the storage holds, so what lies above decides whether that is ciphertext. Reads fill it. With write back, writes are
/// answered once they are in the file, and reach the storage in the background and before ``sync()`` returns; otherwise they go to the
/// storage first. What is in the file is worth nothing after this object: a host that dies loses what was not synced, and nothing else.
package final class HostCache: DiskStorage {
    /// How much there may be, in bytes.
    package struct Limits: Sendable {
        package let byteCount: UInt64
        /// What the storage does not have yet.
        package let dirtyByteCount: UInt64

        package init(byteCount: UInt64, dirtyByteCount: UInt64) {
            self.byteCount = byteCount
            self.dirtyByteCount = dirtyByteCount
        }

        /// 1 GiB, a quarter of it dirty.
        package static let standard = Limits(byteCount: 1 << 30, dirtyByteCount: 256 << 20)
    }

    let base: any DiskStorage
    let file: DataFile
    let map: CacheMap
    private let path: String
    private let writesBack: Bool
    private let dirtyLimit: Int

    static let sector = DiskHeader.sectorByteCount
    static let chunkByteCount = UInt64(SectorSet.capacity * sector)
    /// Between two rounds of writing back, in milliseconds.
    private static let interval = 1000

    /// Begins with nothing: a file that is there already is of an earlier life and is taken away.
    ///
    /// - Parameters:
    ///   - base: What has the disk.
    ///   - path: Of the file, in a directory that is there.
    ///   - writesBack: Whether writes are answered before the storage has them.
    /// - Throws: ``BlockError/system(_:)``, ``BlockError/noSpace`` if the file cannot be made.
    package init(over base: any DiskStorage, at path: String, writesBack: Bool, limits: Limits = .standard) throws(BlockError) {
        let files = SystemFiles()
        do throws(FileError) {
            if files.byteCount(of: path) != nil { try files.perform(.removeFile(path)) }
            try files.perform(.createFile(path))
        } catch {
            throw error.code == ENOSPC || error.code == EDQUOT ? .noSpace : .system(error.code)
        }
        let file = try DataFile(path: path, isReadOnly: false)
        self.base = base
        self.file = file
        self.path = path
        self.writesBack = writesBack
        dirtyLimit = Int(clamping: limits.dirtyByteCount / UInt64(Self.sector))
        map = CacheMap(limit: Int(clamping: limits.byteCount / UInt64(Self.sector))) { number in
            _ = try? file.punch(number * Self.chunkByteCount, Self.chunkByteCount)
        }
    }

    /// Writes back in the background from now on, until ``end()``.
    package func start() {
        guard writesBack else { return }
        PosixThread.start(name: "cache-writeback") { [self] in
            // What fails stays dirty and is tried again.
            while map.wait(milliseconds: Self.interval) { try? writeBackAll() }
        }
    }

    /// Takes the file away. Nothing may be read or written any more; what was not synced is lost.
    package func end() {
        map.end()
        _ = unsafe unlink(path)
    }

    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) {
        try Self.forChunks(offset, UInt64(bytes.count)) { (number, sectors, place) throws(BlockError) in
            let present = map.beginRead(number)
            var kept = SectorSet()
            defer { map.endRead(number, kept: kept) }
            try present.forRuns(in: sectors) { (run, isPresent) throws(BlockError) in
                let start = Int(place) + (run.lowerBound - sectors.lowerBound) * Self.sector
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + run.count * Self.sector])
                let offset = Self.offset(number, run)
                if isPresent { return try unsafe file.read(part, at: offset) }
                try unsafe base.read(part, at: offset)
                if unsafe keep(UnsafeRawBufferPointer(part), at: offset, run.count) { kept.insert(run) }
            }
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        try Self.forChunks(offset, UInt64(bytes.count)) { (number, sectors, place) throws(BlockError) in
            let part = unsafe UnsafeRawBufferPointer(rebasing: bytes[Int(place)..<Int(place) + sectors.count * Self.sector])
            if writesBack, !isDurable { try reduceDirty(by: sectors.count) }
            map.beginWrite(number)
            var outcome = CacheMap.Outcome.absent
            defer { map.endWrite(number, sectors, outcome) }
            let offset = Self.offset(number, sectors)
            if writesBack, !isDurable, unsafe keep(part, at: offset, sectors.count) {
                outcome = .dirty
                return
            }
            try unsafe base.write(part, at: offset, isDurable: isDurable)
            if unsafe keep(part, at: offset, sectors.count) { outcome = .clean }
        }
    }

    package func sync() throws(BlockError) {
        try writeBackAll()
        try base.sync()
    }

    package func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try clear(offset, count) { (offset, count) throws(BlockError) in try base.punch(offset, count) }
    }

    package func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool {
        try clear(offset, count) { (offset, count) throws(BlockError) in try base.zeroAllocated(offset, count) }
    }

    package func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        for number in map.dirtyNumbers() where number * Self.chunkByteCount < offset + count && offset < (number + 1) * Self.chunkByteCount {
            try writeBack(number)
        }
        try base.extents(offset, count, body)
    }

    package var holeCount: UInt64 { base.holeCount }

    package func prefetch(_ offset: UInt64, _ count: UInt64) { base.prefetch(offset, count) }

    package func allocatedByteCount() -> UInt64 { base.allocatedByteCount() }

    /// Puts sectors into the file.
    ///
    /// - Returns: Whether they are there; if not, what is there of them is nobody's.
    private func keep(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, _ count: Int) -> Bool {
        guard map.makeRoom(count) else { return false }
        // A file system that is full makes the cache useless, not the disk.
        do throws(BlockError) {
            try unsafe file.write(bytes, at: offset, isDurable: false)
            return true
        } catch {
            return false
        }
    }

    private func clear(
        _ offset: UInt64, _ count: UInt64, _ body: (UInt64, UInt64) throws(BlockError) -> Bool
    ) throws(BlockError) -> Bool {
        var isDone = true
        try Self.forChunks(offset, count) { (number, sectors, _) throws(BlockError) in
            guard isDone else { return }
            map.beginWrite(number)
            var outcome = CacheMap.Outcome.unchanged
            defer { map.endWrite(number, sectors, outcome) }
            isDone = try body(Self.offset(number, sectors), UInt64(sectors.count * Self.sector))
            if isDone { outcome = .absent }
        }
        return isDone
    }

    private func reduceDirty(by count: Int) throws(BlockError) {
        while map.dirtySectorCount + count > dirtyLimit, let number = map.dirtyNumber() { try writeBack(number) }
    }

    private func writeBackAll() throws(BlockError) {
        for number in map.dirtyNumbers() { try writeBack(number) }
    }

    /// Brings what is dirty of a chunk to the storage.
    private func writeBack(_ number: UInt64) throws(BlockError) {
        guard let dirty = map.beginWriteBack(number) else { return }
        var isDone = false
        defer { map.endWriteBack(number, isDone: isDone) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(Self.chunkByteCount), alignment: 4096)
        defer {
            if let start = buffer.baseAddress { unsafe explicit_bzero(start, buffer.count) }
            unsafe buffer.deallocate()
        }
        try dirty.forRuns(in: 0..<SectorSet.capacity) { (run, isDirty) throws(BlockError) in
            guard isDirty else { return }
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<(run.count * Self.sector)])
            try unsafe file.read(part, at: Self.offset(number, run))
            try unsafe base.write(UnsafeRawBufferPointer(part), at: Self.offset(number, run), isDurable: false)
        }
        isDone = true
    }

    private static func offset(_ number: UInt64, _ sectors: Range<Int>) -> UInt64 {
        number * chunkByteCount + UInt64(sectors.lowerBound * sector)
    }

    /// Calls `body` with each chunk that a range meets, the range's sectors in it, and where these begin in the range, in bytes.
    private static func forChunks(
        _ offset: UInt64, _ count: UInt64, _ body: (UInt64, Range<Int>, UInt64) throws(BlockError) -> Void
    ) throws(BlockError) {
        var done: UInt64 = 0
        while done < count {
            let (number, skip) = (offset + done).quotientAndRemainder(dividingBy: chunkByteCount)
            let length = min(count - done, chunkByteCount - skip)
            let first = Int(skip) / sector
            try body(number, first..<first + Int(length) / sector, done)
            done += length
        }
    }
}
