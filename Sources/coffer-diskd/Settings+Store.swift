import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskFormat
import CofferModel
import CofferRBD
import Glibc

/// Where an installation's disks are. It has one store: the directory `DATA/disks`, or the pool that the file `DATA/disk-store` names, with
/// what the pool knows the installation by.
extension Settings {
    private var notePath: String { "\(data)/disk-store" }

    /// The store that the command line asks for.
    ///
    /// - Throws: ``Exit`` if the disks are elsewhere, or the pool cannot be reached.
    func openStore() throws(Exit) -> any DiskStore {
        let note = try readNote()
        guard let (name, access) = pool else {
            guard let note else { return FileStore(DiskShelf(path: disksPath)) }
            throw Exit(78, "the disks of \(data) are in \(note.pool): start with --disk-store \(note.pool) and its --ceph-conf")
        }
        if let note, note.pool != name { throw Exit(78, "the disks of \(data) are in \(note.pool), and not in \(name): an installation has one store") }
        if note == nil, try hasFiles() {
            throw Exit(78, "the disks of \(data) are files in \(disksPath), and an installation has one store: start without --disk-store, or with a new data directory")
        }
        let pool: RBDPool
        do throws(RBDFailure) {
            pool = try RBDPool(name, access)
            if note == nil, let owner = try RBDStore.owner(of: pool) { throw RBDStore.taken(by: owner) }
        } catch {
            throw Exit(69, "\(name): \(error.words)")
        }
        if let note { return RBDStore(pool, installation: note.installation) }
        return RBDStore(pool, installation: try writeNote(name))
    }

    private func hasFiles() throws(Exit) -> Bool {
        do throws(FileError) { return try SystemFiles().names(in: disksPath).contains { DiskID($0) != nil } } catch where error.code == ENOENT {
            return false
        } catch {
            throw Exit(74, error.sentence)
        }
    }

    private func readNote() throws(Exit) -> (pool: RBDPoolName, installation: String)? {
        let bytes: [UInt8]
        do throws(FileError) { bytes = try SystemFiles().read(notePath, limit: 1024) } catch where error.code == ENOENT { return nil } catch {
            throw Exit(74, error.sentence)
        }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 2, let pool = RBDPoolName(words[0]) else { throw Exit(78, "\(notePath) does not name a pool and an installation") }
        return (pool, String(words[1]))
    }

    /// - Returns: The name of this installation, a new one.
    private func writeNote(_ pool: RBDPoolName) throws(Exit) -> String {
        let installation = Hex.encode(SecureRandom.bytes(16))
        do throws(FileError) {
            let (files, new) = (SystemFiles(), "\(notePath).new")
            try? files.perform(.removeFile(new))
            try files.perform(.createFile(new))
            try files.perform(.write(new, Array("\(pool) \(installation)\n".utf8)))
            try files.perform(.syncFile(new))
            try files.perform(.rename(new, to: notePath))
            try files.perform(.syncDirectory(data))
        } catch {
            throw Exit(74, error.sentence)
        }
        return installation
    }
}
