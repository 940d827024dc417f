package import CofferModel

/// The beginning and the end of a disk's re-encryption; what lies between is the journal's.
extension DiskShelf {
    /// The path of the journal of a disk's re-encryption.
    package func journalPath(of disk: DiskID) -> String { "\(directory(of: disk))/journal" }

    /// Begins a re-encryption, durably: the journal first, so that no header speaks of one that is not there.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` if one is in progress already; ``DiskFormatError/file(_:)`` if the file system refuses.
    package func beginReencryption(of header: DiskHeader, _ job: HeaderReencryption) throws(DiskFormatError) -> DiskHeader {
        let begun = try header.reencrypting(job)
        let journal = journalPath(of: header.disk)
        if files.byteCount(of: journal) != nil { try run([.removeFile(journal)]) }
        let first = try JournalRecord(disk: header.disk, job: job.job, sequence: 0, offset: 0).bytes()
        // All of it is written, so that later records find their space.
        let bytes = first + [UInt8](repeating: 0, count: JournalRecord.fileByteCount - first.count)
        do {
            try run([.createFile(journal), .write(journal, bytes), .syncFile(journal), .syncDirectory(directory(of: header.disk))])
            try replaceHeader(with: begun)
        } catch {
            // If the header is in place all the same, its journal must stay.
            if let now = try? self.header(of: header.disk), now.reencryption == nil { try? run([.removeFile(journal)]) }
            throw error
        }
        return begun
    }

    /// Ends a re-encryption, durably, once all data is under the new keys and on stable storage. The old wrapped keys are overwritten.
    ///
    /// - Returns: The new header.
    /// - Throws: ``DiskFormatError/invalid(_:)`` if none is in progress; ``DiskFormatError/file(_:)`` if the file system refuses: read the
    ///   header again then.
    package func endReencryption(of header: DiskHeader) throws(DiskFormatError) -> DiskHeader {
        let ended = try header.reencrypted()
        try replaceHeader(with: ended, destroyingOld: true)
        try removeJournal(of: header.disk)
        return ended
    }

    func removeJournal(of disk: DiskID) throws(DiskFormatError) {
        try run([.removeFile(journalPath(of: disk)), .syncDirectory(directory(of: disk))])
    }
}
