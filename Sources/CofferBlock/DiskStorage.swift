/// What an open disk keeps its bytes in: as they are stored, encrypted wherever the disk is.
///
/// Implementors know nothing of keys. What they must do:
/// - All ranges are within the disk, and those that are read, written or made holes are of whole sectors, 4096 bytes; callers see to that.
/// - Calls come from many threads at once. A caller holds the range of its call (``RangeLock``): no two calls write one sector at a time,
///   and none reads what another writes.
/// - What a call that returned has written is read by every later call, and is on stable storage after the next ``sync()`` that began later.
///   Once that cannot be kept for a write, ``sync()`` fails for good (``BlockError/writesLost``).
/// - What was never written reads as zeros.
/// - Nothing is allocated for a read or a write where that can be helped.
package protocol DiskStorage: AnyObject, Sendable {
    /// Fills `bytes` from `offset`.
    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError)

    /// Writes all of `bytes` at `offset`. If it fails parts may have been written.
    ///
    /// - Parameter isDurable: Whether to return only when they are on stable storage.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError)

    /// Puts everything written so far on stable storage.
    func sync() throws(BlockError)

    /// Makes a range a hole: it reads as zeros and needs no space.
    ///
    /// - Returns: Whether that is possible here; if not, nothing was changed.
    func punch(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool

    /// Makes a range read as a hole and keeps its space.
    ///
    /// - Returns: Whether that is possible here; if not, nothing was changed.
    func zeroAllocated(_ offset: UInt64, _ count: UInt64) throws(BlockError) -> Bool

    /// Calls `body` with the extents of a range, in order and without gaps, until it returns false. A sector that has any data is data.
    func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError)

    /// How many holes were made. What was there before may come back in a power cut until the next sync.
    var holeCount: UInt64 { get }

    /// Asks for a range to be read ahead.
    func prefetch(_ offset: UInt64, _ count: UInt64)

    /// Bytes that the disk occupies.
    func allocatedByteCount() -> UInt64

    /// How much of a long read or write is best asked for by one call, in bytes, a multiple of 4096.
    var pieceByteCount: Int { get }

    /// Gives up what keeps others from opening the disk, once calls in progress have ended. Later calls fail.
    func close()
}

extension DiskStorage {
    /// What stays in the processor's cache between storage, cipher and socket.
    package var pieceByteCount: Int { 128 << 10 }

    /// Nothing keeps others from opening it.
    package func close() {}

    /// Where the first data at or after `start` begins, in whole sectors, or `end`.
    func firstData(from start: UInt64, to end: UInt64) throws(BlockError) -> UInt64 {
        var first = end
        guard start < end else { return end }
        try extents(start, end - start) { extent in
            guard extent.isHole else {
                first = extent.offset
                return false
            }
            return true
        }
        return first
    }
}
