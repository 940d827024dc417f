import CofferBlock
import CofferCore
package import CofferDiskFormat
package import CofferModel
import Glibc
import Synchronization

/// What goes: disks, and what a crash left of them.
extension RBDStore {
    package func recover() throws(DiskFormatError) -> ShelfContents {
        let entries = try format(place) { () throws(RBDFailure) in
            try claim()
            return try disks()
        }
        var stuck: [RefusedDisk] = []
        for (disk, entry) in entries {
            do throws(DiskFormatError) {
                switch entry {
                case .new(let source), .deleted(let source): try remove(disk, madeOf: source)
                case .disk(let bytes):
                    // The journal of a re-encryption that has ended.
                    guard let header = try? DiskHeader(bytes: bytes), header.reencryption == nil else { continue }
                    try format(journalPlace(of: disk)) { () throws(RBDFailure) in try RBDJournal(connection, of: disk).remove() }
                }
            } catch {
                stuck.append(RefusedDisk(path: dataPlace(of: disk), reason: error.sentence))
            }
        }
        let found = try contents()
        return ShelfContents(headers: found.headers, refused: found.refused + stuck)
    }

    package func delete(_ disk: DiskID) throws(DiskFormatError) {
        guard let present = try entry(disk) else { throw .notFound }
        let source: DiskID?
        switch present {
        case .new: throw .notFound
        case .deleted(let parent): source = parent
        case .disk:
            source = try format(dataPlace(of: disk)) { () throws(RBDFailure) in try parent(of: disk) }
            // With this the wrapped keys are gone.
            try change(disk, from: present, to: .deleted(of: source))
        }
        try remove(disk, madeOf: source)
    }

    /// Takes away all of a disk that does not exist, and of those that waited for it to go; what others are made of stays until they are gone.
    func remove(_ disk: DiskID, madeOf source: DiskID?) throws(DiskFormatError) {
        var next: (disk: DiskID, source: DiskID?)? = (disk, source)
        while let (disk, source) = next {
            let isGone = try format(dataPlace(of: disk)) { () throws(RBDFailure) -> Bool in
                try RBDJournal(connection, of: disk).remove()
                do throws(RBDFailure) {
                    guard try connection.remove(RBDPoolName.image(of: disk)) else { return false }
                } catch where error.code == EBUSY {
                    removeLater(disk, madeOf: source)
                    return false
                }
                if let source { try removeSnapshot(RBDPoolName.image(of: disk), of: source) }
                return true
            }
            guard isGone else { return }
            images.withLock { $0.allocated[disk] = nil }
            if let present = try entry(disk) { try change(disk, from: present, to: nil) }
            next = nil
            guard let source, case .deleted(let parent)? = try entry(source) else { return }
            next = (source, parent)
        }
    }

    /// Takes an image away that somebody has open, in a while: an OSD that went down may take a handle for open until half a minute after it
    /// is back.
    private func removeLater(_ disk: DiskID, madeOf source: DiskID?) {
        let isFirst = images.withLock { $0.leaving.insert(disk).inserted }
        guard isFirst else { return }
        PosixThread.start(name: "remove") { [weak self] in
            sleep(Self.pause)
            _ = self?.images.withLock { $0.leaving.remove(disk) }
            try? self?.remove(disk, madeOf: source)
        }
    }

    /// In seconds, longer than an OSD waits for a sign of life.
    private static let pause: UInt32 = 35

    private func removeSnapshot(_ name: String, of source: DiskID) throws(RBDFailure) {
        do throws(RBDFailure) { try image(of: source).removeSnapshot(name) } catch where error.code == ENOENT {}
    }

    private func parent(of disk: DiskID) throws(RBDFailure) -> DiskID? {
        do throws(RBDFailure) {
            return try RBDImage(connection, RBDPoolName.image(of: disk), .reading).parent().flatMap { RBDPoolName.disk(of: $0.image) }
        } catch where error.code == ENOENT {
            return nil
        }
    }
}
