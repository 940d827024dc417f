package import CofferDiskFormat
package import CofferModel

/// Where a host's disks are kept: their headers, their data, and the journals of their re-encryptions.
///
/// Every change has one step that decides it: a crash before it leaves things as they were, a crash after it leaves them as wanted, and
/// ``recover()`` takes away what is left over. Callers order what is done to one disk; different disks are used from many threads at once.
package protocol DiskStore: Sendable {
    /// Names the whole store, for messages.
    var place: String { get }
    /// The pool that it is in; nil for one of files.
    var pool: RBDPoolName? { get }
    /// Names a disk's ciphertext, for messages.
    func dataPlace(of disk: DiskID) -> String
    /// Names a disk's header, for messages.
    func headerPlace(of disk: DiskID) -> String
    /// Names the journal of a disk's re-encryption, for messages.
    func journalPlace(of disk: DiskID) -> String

    /// Makes the store if it is not there, makes sure that no earlier process still changes it, and takes away what a crash left in it. Never touches a disk whose header cannot be read.
    ///
    /// - Throws: ``DiskFormatError/file(_:)`` if the store itself cannot be made or read.
    func recover() throws(DiskFormatError) -> ShelfContents

    /// The disks that are there now.
    ///
    /// - Throws: ``DiskFormatError/file(_:)`` if the store itself cannot be read.
    func contents() throws(DiskFormatError) -> ShelfContents

    /// A disk's header as it is stored now.
    ///
    /// - Throws: ``DiskFormatError/notFound`` if there is no such disk; ``DiskFormatError/otherDisk`` if the header is another
    ///   disk's; ``DiskFormatError/file(_:)``; all errors of `DiskHeader.init(bytes:)`.
    func header(of disk: DiskID) throws(DiskFormatError) -> DiskHeader

    /// Makes a disk whose data reads as zeros, durably.
    ///
    /// - Throws: ``DiskFormatError/exists`` if there is one already; ``DiskFormatError/file(_:)``, and then no disk is left.
    func create(_ header: DiskHeader) throws(DiskFormatError)

    /// Makes durable what an earlier change of this disk left, which may have failed in its last step.
    func settle(_ disk: DiskID) throws(DiskFormatError)

    /// Makes a disk larger, durably, open or not.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` unless it becomes larger; ``DiskFormatError/file(_:)``.
    func grow(_ header: DiskHeader, to byteCount: UInt64) throws(DiskFormatError) -> DiskHeader

    /// Replaces a disk's header by the one that follows it, durably; at every moment one of the two is there in full.
    ///
    /// - Throws: ``DiskFormatError/file(_:)``. Read the header again then: either may be in place.
    func replaceHeader(with header: DiskHeader) throws(DiskFormatError)

    /// Takes a disk away: the wrapped keys first, then the data.
    ///
    /// - Throws: ``DiskFormatError/notFound``; ``DiskFormatError/file(_:)``. If that happens after the deciding step, the next start
    ///   finishes the work.
    func delete(_ disk: DiskID) throws(DiskFormatError)

    /// Begins a re-encryption, durably: the journal first, so that no header speaks of one that is not there.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` if one is in progress already; ``DiskFormatError/file(_:)``.
    func beginReencryption(of header: DiskHeader, _ job: HeaderReencryption) throws(DiskFormatError) -> DiskHeader

    /// Ends a re-encryption, durably, once all data is under the new keys and on stable storage. The old wrapped keys are overwritten.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` if none is in progress; ``DiskFormatError/file(_:)``: read the header again then.
    func endReencryption(of header: DiskHeader) throws(DiskFormatError) -> DiskHeader

    /// Opens the data of the disk that has this header. One process at a time has a disk open for writing.
    ///
    /// - Throws: ``BlockError/system(_:)``.
    func open(_ header: DiskHeader, isReadOnly: Bool) throws(BlockError) -> any DiskStorage

    /// Opens the journal of a disk's re-encryption.
    ///
    /// - Throws: ``BlockError/system(_:)``.
    func openJournal(of disk: DiskID, isReadOnly: Bool) throws(BlockError) -> any JournalStorage

    /// Bytes that the data of a disk which need not be open occupies, or 0 if that cannot be told.
    func allocatedByteCount(of disk: DiskID) -> UInt64

    /// Begins a disk whose data is a copy of another's. Until ``finish(_:)`` there is no such disk, and a crash leaves nothing of it.
    ///
    /// - Throws: As ``create(_:)``.
    func begin(_ disk: DiskID, byteCount: UInt64) throws(DiskFormatError)

    /// How the data of a disk that was begun becomes that of `source`.
    ///
    /// - Throws: ``BlockError``; the disk is still to be abandoned then.
    func copy(_ source: DiskHeader, to disk: DiskID) throws(BlockError) -> any DiskCopying

    /// Makes a disk of what was begun, durably.
    ///
    /// - Throws: As ``create(_:)``.
    func finish(_ header: DiskHeader) throws(DiskFormatError)

    /// Takes away what was begun.
    func abandon(_ disk: DiskID)

    /// The sectors of a disk that are not the same in another with the same data keys, in order. What lies behind the end of `base` counts
    /// as never written there.
    ///
    /// - Throws: ``BlockError``.
    func changes(of header: DiskHeader, since base: DiskHeader) throws(BlockError) -> [ByteRange]

    /// Says that this process uses the store no more.
    func end()
}

extension DiskStore {
    /// The sectors of a disk that were never written or were given back, in order.
    ///
    /// - Throws: ``BlockError``.
    package func holes(of header: DiskHeader) throws(BlockError) -> [ByteRange] {
        try DiskHoles.ranges(in: open(header, isReadOnly: true), byteCount: header.byteCount)
    }
}

/// A copy of a disk's data in progress: the ciphertext as it is at one moment, while the disk may be in use.
///
/// The moment lies between the making of this object and the return of ``hold(_:)``.
package protocol DiskCopying: AnyObject, Sendable {
    /// How much is copied, in bytes from the start.
    var copiedByteCount: UInt64 { get }

    /// Keeps later writes out of the copy, once those in progress have ended. To be called before ``run()``, and for a disk that is
    /// opened meanwhile before it has clients.
    func hold(_ disk: EncryptedDisk)

    /// Copies. Nothing is on stable storage before the target is finished.
    ///
    /// - Throws: ``BlockError/closed`` if ``cancel()`` was called; ``BlockError/noSpace`` and ``BlockError/system(_:)``. No writer
    ///   waits any more then.
    func run() throws(BlockError)

    /// Ends ``run()`` soon, where it takes long.
    func cancel()
}

/// What the journal of a re-encryption is kept in.
package protocol JournalStorage: AnyObject, Sendable {
    /// Fills `bytes` from `offset`.
    ///
    /// - Parameter padsEnd: Whether what lies behind the end reads as zeros.
    func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, padsEnd: Bool) throws(BlockError)

    /// Writes all of `bytes` at `offset`. If it fails parts may have been written.
    ///
    /// - Parameter isDurable: Whether to return only when they are on stable storage.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, isDurable: Bool) throws(BlockError)
}
