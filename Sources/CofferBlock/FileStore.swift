package import CofferDiskFormat
package import CofferModel

/// Disks as files on a ``DiskShelf``.
package struct FileStore: DiskStore {
    private let shelf: DiskShelf

    package init(_ shelf: DiskShelf) { self.shelf = shelf }

    package var place: String { shelf.path }
    package var pool: RBDPoolName? { nil }
    package func dataPlace(of disk: DiskID) -> String { shelf.dataPath(of: disk) }
    package func headerPlace(of disk: DiskID) -> String { shelf.headerPath(of: disk) }
    package func journalPlace(of disk: DiskID) -> String { shelf.journalPath(of: disk) }

    package func recover() throws(DiskFormatError) -> ShelfContents { try shelf.recover() }
    package func contents() throws(DiskFormatError) -> ShelfContents { try shelf.contents() }
    package func header(of disk: DiskID) throws(DiskFormatError) -> DiskHeader { try shelf.header(of: disk) }
    package func create(_ header: DiskHeader) throws(DiskFormatError) { try shelf.create(header) }
    package func settle(_ disk: DiskID) throws(DiskFormatError) { try shelf.settle(disk) }
    package func replaceHeader(with header: DiskHeader) throws(DiskFormatError) { try shelf.replaceHeader(with: header) }
    package func delete(_ disk: DiskID) throws(DiskFormatError) { try shelf.delete(disk) }

    package func grow(_ header: DiskHeader, to byteCount: UInt64) throws(DiskFormatError) -> DiskHeader {
        try shelf.grow(header, to: byteCount)
    }

    package func beginReencryption(of header: DiskHeader, _ job: HeaderReencryption) throws(DiskFormatError) -> DiskHeader {
        try shelf.beginReencryption(of: header, job)
    }

    package func endReencryption(of header: DiskHeader) throws(DiskFormatError) -> DiskHeader { try shelf.endReencryption(of: header) }

    package func open(_ header: DiskHeader, isReadOnly: Bool) throws(BlockError) -> any DiskStorage {
        try DataFile(path: shelf.dataPath(of: header.disk), isReadOnly: isReadOnly)
    }

    package func openJournal(of disk: DiskID, isReadOnly: Bool) throws(BlockError) -> any JournalStorage {
        try DataFile(path: shelf.journalPath(of: disk), isReadOnly: isReadOnly)
    }

    package func allocatedByteCount(of disk: DiskID) -> UInt64 {
        (try? DataFile(path: shelf.dataPath(of: disk), isReadOnly: true).allocatedByteCount()) ?? 0
    }

    package func begin(_ disk: DiskID, byteCount: UInt64) throws(DiskFormatError) { try shelf.begin(disk, byteCount: byteCount) }

    package func copy(_ source: DiskHeader, to disk: DiskID) throws(BlockError) -> any DiskCopying {
        try DiskCopy(from: shelf.dataPath(of: source.disk), to: shelf.newDataPath(of: disk), byteCount: source.byteCount)
    }

    package func finish(_ header: DiskHeader) throws(DiskFormatError) { try shelf.finish(header) }
    package func abandon(_ disk: DiskID) { shelf.abandon(disk) }

    package func end() {}

    package func changes(of header: DiskHeader, since base: DiskHeader) throws(BlockError) -> [ByteRange] {
        let (now, before) = (try open(header, isReadOnly: true), try open(base, isReadOnly: true))
        return try DiskChanges.ranges(in: now, byteCount: header.byteCount, since: before, baseByteCount: base.byteCount)
    }
}
