import Glibc
package import CofferModel

/// The directory that holds the disks of a host, `DATA/disks`: one directory per disk, named by its id, with the files
/// `header` and `data`.
///
/// Every change is a sequence of ``FileStep``s with one step that decides it, a rename within this directory; a crash before it
/// leaves things as they were, a crash after it leaves them as wanted, and ``recover()`` takes away what is left over.
/// docs/formats/disk.md lists the sequences.
package struct DiskShelf: Sendable {
    /// `DATA/disks`, without a slash at the end.
    package let path: String
    let files: any FileLayer

    /// - Parameter files: The file system; tests give their own.
    package init(path: String, files: any FileLayer = SystemFiles()) {
        self.path = path
        self.files = files
    }

    /// The path of a disk's ciphertext.
    package func dataPath(of disk: DiskID) -> String { "\(directory(of: disk))/data" }

    /// The path of the ciphertext of a disk that was begun.
    package func newDataPath(of disk: DiskID) -> String { "\(newDirectory(of: disk))/data" }

    /// The path of a disk's header.
    package func headerPath(of disk: DiskID) -> String { "\(directory(of: disk))/header" }

    /// A disk's header as it is on disk now.
    ///
    /// - Throws: ``DiskFormatError/notFound`` if there is no such disk; ``DiskFormatError/otherDisk`` if the header is another
    ///   disk's, ``DiskFormatError/dataMissing`` if the data file is not there in full; all errors of `DiskHeader.init(bytes:)`.
    package func header(of disk: DiskID) throws(DiskFormatError) -> DiskHeader {
        let bytes: [UInt8]
        do {
            bytes = try files.read(headerPath(of: disk), limit: DiskHeader.maximumFileByteCount)
        } catch {
            switch error.code {
            case ENOENT where !exists(disk): throw .notFound
            case EFBIG: throw .damaged("it is longer than any header")
            default: throw .file(error)
            }
        }
        let header = try DiskHeader(bytes: bytes)
        guard header.disk == disk else { throw .otherDisk }
        // It is longer while the disk is being made larger.
        guard let count = files.byteCount(of: dataPath(of: disk)), count >= header.byteCount else { throw .dataMissing }
        return header
    }

    /// Makes a disk whose data reads as zeros, durably.
    ///
    /// - Throws: ``DiskFormatError/exists`` if there is one already; ``DiskFormatError/file(_:)`` if the file system refuses, and
    ///   then no disk is left.
    package func create(_ header: DiskHeader) throws(DiskFormatError) {
        try begin(header.disk, byteCount: header.byteCount)
        try finish(header)
    }

    /// Begins a disk whose data comes from elsewhere. Until ``finish(_:)`` there is no such disk, and a crash leaves nothing of it.
    ///
    /// Its data file, at ``newDataPath(of:)``, has `byteCount` bytes and is all hole.
    ///
    /// - Throws: As ``create(_:)``.
    package func begin(_ disk: DiskID, byteCount: UInt64) throws(DiskFormatError) {
        guard !exists(disk) else { throw .exists }
        let new = newDirectory(of: disk)
        do {
            try clear(new)
            try run([.makeDirectory(new), .createFile("\(new)/data"), .setByteCount("\(new)/data", byteCount)])
        } catch {
            try? clear(new)
            throw error
        }
    }

    /// Makes a disk of what was begun, durably.
    ///
    /// - Throws: As ``create(_:)``.
    package func finish(_ header: DiskHeader) throws(DiskFormatError) {
        let new = newDirectory(of: header.disk)
        do {
            try run([.syncFile("\(new)/data")])
            try writeProven(header, at: "\(new)/header")
            try run([.syncDirectory(new), .renameNew(new, to: directory(of: header.disk))])
        } catch {
            try? clear(new)
            throw error
        }
        try run([.syncDirectory(path)])
    }

    /// Takes away what was begun.
    package func abandon(_ disk: DiskID) {
        try? clear(newDirectory(of: disk))
    }

    /// Makes a disk larger, durably: the data file first, which a start cuts again if the header did not follow.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` unless it becomes larger; ``DiskFormatError/file(_:)`` if the file system refuses.
    package func grow(_ header: DiskHeader, to byteCount: UInt64) throws(DiskFormatError) -> DiskHeader {
        let grown = try header.grown(to: byteCount)
        try run([.setByteCount(dataPath(of: header.disk), byteCount), .syncFile(dataPath(of: header.disk))])
        try replaceHeader(with: grown)
        return grown
    }

    /// Makes durable what an earlier ``create(_:)`` of this disk left, which may have failed in its last step.
    package func settle(_ disk: DiskID) throws(DiskFormatError) {
        try run([.syncDirectory(directory(of: disk)), .syncDirectory(path)])
    }

    /// Replaces a disk's header, durably; at every moment one of the two is there in full.
    ///
    /// - Parameter destroyingOld: Whether the old one, which has wrapped keys that nobody needs any more, is overwritten afterwards.
    /// - Throws: ``DiskFormatError/file(_:)`` if the file system refuses. Read the header again then: either may be in place.
    package func replaceHeader(with header: DiskHeader, destroyingOld: Bool = false) throws(DiskFormatError) {
        let new = "\(headerPath(of: header.disk)).new"
        if files.byteCount(of: new) != nil { try run([.removeFile(new)]) }
        do {
            try writeProven(header, at: new)
        } catch {
            try? run([.removeFile(new)])
            throw error
        }
        guard destroyingOld, try exchange(new, headerPath(of: header.disk)) else {
            return try run([.rename(new, to: headerPath(of: header.disk)), .syncDirectory(directory(of: header.disk))])
        }
        try run([.syncDirectory(directory(of: header.disk))])
        try destroyHeader(at: new)
        try run([.syncDirectory(directory(of: header.disk))])
    }

    /// Gives each of two files the other's name.
    ///
    /// - Returns: Whether the file system can do that; if not, nothing was changed.
    private func exchange(_ first: String, _ second: String) throws(DiskFormatError) -> Bool {
        do {
            try files.perform(.exchange(first, second))
            return true
        } catch {
            guard error.code == EINVAL else { throw .file(error) }
            return false
        }
    }

    /// Takes a disk away: the wrapped keys first, then the data.
    ///
    /// - Throws: ``DiskFormatError/notFound``; ``DiskFormatError/file(_:)`` if the file system refuses. If that happens after the
    ///   deciding step, the next start finishes the work.
    package func delete(_ disk: DiskID) throws(DiskFormatError) {
        let deleted = "\(path)/\(Leftover.deleted.prefix)\(disk.text)"
        try clear(deleted)
        guard exists(disk) else { throw .notFound }
        try run([.renameNew(directory(of: disk), to: deleted), .syncDirectory(path)])
        try clear(deleted)
    }

    func directory(of disk: DiskID) -> String { "\(path)/\(disk.text)" }

    private func newDirectory(of disk: DiskID) -> String { "\(path)/\(Leftover.new.prefix)\(disk.text)" }

    func exists(_ disk: DiskID) -> Bool {
        (try? files.names(in: directory(of: disk))) != nil
    }

    /// Writes a header to a file of its own and reads it back before anything relies on it.
    private func writeProven(_ header: DiskHeader, at path: String) throws(DiskFormatError) {
        try run([.createFile(path), .write(path, header.bytes), .syncFile(path)])
        do {
            let found = try DiskHeader(bytes: files.read(path, limit: DiskHeader.maximumFileByteCount))
            guard found == header else { throw DiskFormatError.damaged("it reads back differently") }
        } catch let error as DiskFormatError {
            throw error
        } catch {
            throw .damaged("it does not read back")
        }
    }

    func run(_ steps: [FileStep]) throws(DiskFormatError) {
        do {
            for step in steps { try files.perform(step) }
        } catch {
            throw .file(error)
        }
    }
}
