import CofferDiskFormat
import Glibc

/// One connection's way to a disk: reads, writes and holes at any byte alignment, synchronously, in the caller's buffers.
///
/// One thread at a time does I/O. The ciphers are dropped from outside when the disk is suspended or closed; that waits for the
/// piece of I/O in progress, and therefore no call here may block on anything but the storage, and, without holding it, on the keys of
/// a disk that is paused.
@safe
package final class DiskChannel: @unchecked Sendable {
    // SAFETY: `stack` and `isWaiting` are touched only under `mutex`; `scratch` only by a call that holds it.
    private let disk: EncryptedDisk
    let number: Int
    /// Where whoever serves a client counts what it does with this channel.
    package let meter: SessionMeter
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let keysChanged = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: DiskHeader.sectorByteCount, alignment: 64)
    private var stack: CipherStack?
    /// Whether I/O waits for ciphers while there are none.
    private var isWaiting = false

    private static let sector = UInt64(DiskHeader.sectorByteCount)

    init(_ disk: EncryptedDisk, number: Int) {
        self.disk = disk
        self.number = number
        meter = disk.meter.begin()
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(keysChanged, nil)
    }

    /// Gives this channel its ciphers, or wipes them, once the piece of I/O in progress has ended.
    ///
    /// - Parameter isWaiting: Whether I/O waits for the next call, if there are no ciphers, rather than fails.
    func equip(with cipher: CipherStack?, isWaiting: Bool = false) {
        unsafe pthread_mutex_lock(mutex)
        stack = cipher
        self.isWaiting = isWaiting
        unsafe pthread_cond_broadcast(keysChanged)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// How much of a long read or write is best asked for by one call, in bytes, a multiple of 4096.
    package var pieceByteCount: Int { disk.storage.pieceByteCount }

    /// Ends this channel; its ciphers are wiped.
    package func end() { disk.end(self) }

    /// Fills `bytes` with what the disk holds from `offset`.
    ///
    /// - Returns: Whether all of it was never written and therefore is zeros.
    /// - Throws: ``BlockError``.
    package func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlockError) -> Bool {
        try withCipher(offset, UInt64(bytes.count), isShared: true) { (cipher) throws(BlockError) in
            var isHole = true
            try Self.split(offset, bytes.count) { (part) throws(BlockError) in
                let target = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[part.place..<part.place + part.count])
                if part.isWhole {
                    try unsafe disk.storage.read(target, at: part.sector * Self.sector)
                    isHole = unsafe cipher.decryptWritten(target, first: part.sector) && isHole
                } else {
                    isHole = try load(part.sector, cipher) && isHole
                    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: scratch[part.skip..<part.skip + part.count]))
                }
            }
            return isHole
        }
    }

    /// Writes `bytes` at `offset`. The buffer is encrypted in place: what it holds afterwards is not the plaintext.
    ///
    /// - Parameter isDurable: Whether to return only when the bytes are on stable storage.
    /// - Throws: ``BlockError``; parts may have been written.
    package func write(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError) {
        try checkWritable()
        try withCipher(offset, UInt64(bytes.count), isShared: false) { (cipher) throws(BlockError) in
            try Self.split(offset, bytes.count) { (part) throws(BlockError) in
                let source = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[part.place..<part.place + part.count])
                if part.isWhole {
                    unsafe cipher.encrypt(source, first: part.sector)
                    try unsafe disk.storage.write(UnsafeRawBufferPointer(source), at: part.sector * Self.sector, isDurable: isDurable)
                } else {
                    _ = try load(part.sector, cipher)
                    unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[part.skip..<part.skip + part.count])
                        .copyMemory(from: UnsafeRawBufferPointer(source))
                    try store(part.sector, cipher, isDurable: isDurable)
                }
            }
        }
    }

    /// Makes `count` bytes at `offset` read as zeros. Suspending the disk waits for all of it: callers cut long ranges.
    ///
    /// - Parameter keepsSpace: Whether the range stays allocated, so that later writes to it find space.
    /// - Throws: ``BlockError``.
    package func writeZeroes(at offset: UInt64, count: UInt64, keepsSpace: Bool) throws(BlockError) {
        try checkWritable()
        try withCipher(offset, count, isShared: false) { (cipher) throws(BlockError) in
            try Self.split(offset, Int(clamping: count)) { (part) throws(BlockError) in
                guard part.isWhole else {
                    if try load(part.sector, cipher), !keepsSpace { return }
                    unsafe UnsafeMutableRawBufferPointer(rebasing: scratch[part.skip..<part.skip + part.count])
                        .initializeMemory(as: UInt8.self, repeating: 0)
                    return try store(part.sector, cipher, isDurable: false)
                }
                let start = part.sector * Self.sector
                let isDone = try keepsSpace
                    ? disk.storage.zeroAllocated(start, UInt64(part.count)) : disk.storage.punch(start, UInt64(part.count))
                if !isDone { try fillWithZeros(part.sector, part.count, cipher) }
            }
        }
    }

    /// Says that the guest needs `count` bytes at `offset` no more. Whole sectors among them read as zeros afterwards where the
    /// file system makes holes.
    package func trim(at offset: UInt64, count: UInt64) throws(BlockError) {
        try checkWritable()
        try withCipher(offset, count, isShared: false) { (_) throws(BlockError) in
            try Self.split(offset, Int(clamping: count)) { (part) throws(BlockError) in
                if part.isWhole { _ = try disk.storage.punch(part.sector * Self.sector, UInt64(part.count)) }
            }
        }
    }

    /// Puts everything written so far, through any channel, on stable storage.
    package func flush() throws(BlockError) {
        try checkKeys()
        try disk.sync()
    }

    /// Asks for a range to be read ahead.
    package func prefetch(at offset: UInt64, count: UInt64) throws(BlockError) {
        try check(offset, count)
        try checkKeys()
        disk.storage.prefetch(offset, count)
    }

    /// Calls `body` with the extents of a range, in order and without gaps, until it returns false.
    package func extents(at offset: UInt64, count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        try check(offset, count)
        try checkKeys()
        try disk.storage.extents(offset, count, body)
    }

    /// Reads and decrypts one sector into the scratch; whether it was never written.
    private func load(_ sector: UInt64, _ cipher: CipherStack) throws(BlockError) -> Bool {
        try unsafe disk.storage.read(scratch, at: sector * Self.sector)
        return unsafe cipher.decryptWritten(scratch, first: sector)
    }

    /// Encrypts the scratch and writes it as one sector.
    private func store(_ sector: UInt64, _ cipher: CipherStack, isDurable: Bool) throws(BlockError) {
        unsafe cipher.encrypt(scratch, first: sector)
        try unsafe disk.storage.write(UnsafeRawBufferPointer(scratch), at: sector * Self.sector, isDurable: isDurable)
    }

    /// Writes zeros as a guest would: where the file system cannot make the range a hole, zeros in the file would look like one
    /// to this program and like noise to any other.
    private func fillWithZeros(_ first: UInt64, _ count: Int, _ cipher: CipherStack) throws(BlockError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(count, 64 * DiskHeader.sectorByteCount), alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var done = 0
        while done < count {
            let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, count - done)])
            unsafe piece.initializeMemory(as: UInt8.self, repeating: 0)
            let sector = first + UInt64(done / DiskHeader.sectorByteCount)
            unsafe cipher.encrypt(piece, first: sector)
            try unsafe disk.storage.write(UnsafeRawBufferPointer(piece), at: sector * Self.sector, isDurable: false)
            done += piece.count
        }
    }

    /// Runs `body` with the ciphers and no range held. The keys stay until it returns.
    ///
    /// - Throws: ``BlockError/suspended``, also where I/O would wait.
    func withCiphers<R>(_ body: (CipherStack) throws(BlockError) -> R) throws(BlockError) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        guard let stack else { throw .suspended }
        return try body(stack)
    }

    private func checkKeys() throws(BlockError) {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        _ = try ciphers()
    }

    /// The ciphers, waited for while the disk is paused. Called with the mutex held.
    private func ciphers() throws(BlockError) -> CipherStack {
        while stack == nil, isWaiting { unsafe pthread_cond_wait(keysChanged, mutex) }
        guard let stack else { throw .suspended }
        return stack
    }

    private func checkWritable() throws(BlockError) {
        guard !disk.isReadOnly else { throw .readOnly }
    }

    private func check(_ offset: UInt64, _ count: UInt64) throws(BlockError) {
        guard offset <= disk.byteCount, count <= disk.byteCount - offset else { throw .outOfRange }
    }

    private func withCipher<R>(
        _ offset: UInt64, _ count: UInt64, isShared: Bool, _ body: (CipherStack) throws(BlockError) -> R
    ) throws(BlockError) -> R {
        try check(offset, count)
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        let stack = try ciphers()
        let mask = Self.sector - 1
        guard disk.ranges.acquire(number, offset & ~mask, (offset + count + mask) & ~mask, isShared: isShared) else { throw .writesLost }
        defer { disk.ranges.release(number) }
        return try body(stack)
    }

    /// Cuts a range of the disk into a part of a sector, whole sectors, and a part of a sector, as far as it has them.
    private static func split(_ offset: UInt64, _ count: Int, _ body: (Part) throws(BlockError) -> Void) throws(BlockError) {
        let size = DiskHeader.sectorByteCount
        var place = 0
        while place < count {
            let (sector, rest) = (offset + UInt64(place)).quotientAndRemainder(dividingBy: Self.sector)
            let skip = Int(rest)
            let isWhole = skip == 0 && count - place >= size
            let length = isWhole ? (count - place) / size * size : min(size - skip, count - place)
            try body(Part(sector: sector, skip: skip, place: place, count: length, isWhole: isWhole))
            place += length
        }
    }

    /// `count` bytes from byte `skip` of a sector on, which are at `place` in the caller's buffer.
    private struct Part {
        let sector: UInt64
        let skip: Int
        let place: Int
        let count: Int
        let isWhole: Bool
    }

    deinit {
        // Plaintext of a guest is not left in freed memory.
        if let base = unsafe scratch.baseAddress { unsafe explicit_bzero(base, scratch.count) }
        unsafe scratch.deallocate()
        unsafe pthread_cond_destroy(keysChanged)
        unsafe keysChanged.deallocate()
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
    }
}
