package import CofferBlock
package import CofferDiskFormat
package import CofferModel
import Glibc
import Synchronization

/// Disks as RBD images, one for each, with their headers in the map of one object. docs/formats/rbd.md is normative for what is in the pool.
package final class RBDStore: DiskStore {
    let connection: RBDPool
    let directory: RBDDirectory
    /// Which data directory's disks these are.
    private let installation: String
    /// Images that are open for writing, and sizes of others that nobody changes.
    let images = Mutex(Images())

    struct Images {
        var open: [DiskID: Opened] = [:]
        var allocated: [DiskID: UInt64] = [:]
        /// Those that are tried again to be removed.
        var leaving: Set<DiskID> = []
    }

    struct Opened {
        weak var image: RBDImage?
    }

    /// - Parameter installation: Names whose disks these are: one pool or namespace has those of one installation.
    package init(_ pool: RBDPool, installation: String) {
        connection = pool
        self.installation = installation
        directory = RBDDirectory(pool)
    }

    package var place: String { connection.name.description }
    package var pool: RBDPoolName? { connection.name }
    package func dataPlace(of disk: DiskID) -> String { DiskStoreLocation.pool(connection.name).dataPath(of: disk) }
    package func headerPlace(of disk: DiskID) -> String { DiskStoreLocation.pool(connection.name).headerPath(of: disk) }
    package func journalPlace(of disk: DiskID) -> String { "\(connection.name)/\(RBDPoolName.journal(of: disk))" }

    // MARK: What there is

    package func contents() throws(DiskFormatError) -> ShelfContents {
        // Disks come and go meanwhile: a key is there before its image and after it, so that only what was so before and after is told.
        let (before, names, entries) = try format(place) { () throws(RBDFailure) in
            (try disks(), Set(try connection.images()), try disks())
        }
        var (headers, refused): ([DiskHeader], [RefusedDisk]) = ([], [])
        for (disk, entry) in entries.sorted(by: { $0.key.text < $1.key.text }) {
            guard case .disk(let bytes) = entry else { continue }
            let isMissing = if case .disk? = before[disk] { !names.contains(RBDPoolName.image(of: disk)) } else { false }
            do throws(DiskFormatError) {
                if isMissing { throw .dataMissing }
                headers.append(try Self.header(bytes, of: disk))
            } catch {
                refused.append(RefusedDisk(path: headerPlace(of: disk), reason: error.sentence))
            }
        }
        for name in names.sorted() {
            guard let disk = RBDPoolName.disk(of: name), before[disk] == nil, entries[disk] == nil else { continue }
            refused.append(RefusedDisk(path: "\(place)/\(name)", reason: "there is no header for this image"))
        }
        return ShelfContents(headers: headers, refused: refused)
    }

    package func header(of disk: DiskID) throws(DiskFormatError) -> DiskHeader {
        guard case .disk(let bytes)? = try entry(disk) else { throw .notFound }
        return try Self.header(bytes, of: disk)
    }

    package func allocatedByteCount(of disk: DiskID) -> UInt64 {
        if let known = images.withLock({ $0.allocated[disk] }) { return known }
        guard let image = try? RBDImage(connection, RBDPoolName.image(of: disk), .reading) else { return 0 }
        let found = image.allocatedByteCount()
        images.withLock { $0.allocated[disk] = found }
        return found
    }

    package func changes(of header: DiskHeader, since base: DiskHeader) throws(BlockError) -> [ByteRange] {
        let (now, before) = (try read(header.disk), try read(base.disk))
        let candidates: [ByteRange]?
        do throws(RBDFailure) {
            candidates = try RBDLineage(connection, now, before)?.candidates().sectors(within: 0..<header.byteCount)
        } catch {
            throw error.block
        }
        return try DiskChanges.ranges(
            in: now, byteCount: header.byteCount, since: before, baseByteCount: base.byteCount,
            within: candidates)
    }

    // MARK: Headers

    package func create(_ header: DiskHeader) throws(DiskFormatError) {
        try begin(header.disk, byteCount: header.byteCount)
        do throws(DiskFormatError) {
            try format(dataPlace(of: header.disk)) { () throws(RBDFailure) in
                try connection.create(RBDPoolName.image(of: header.disk), byteCount: header.byteCount)
            }
            try finish(header)
        } catch {
            abandon(header.disk)
            throw error
        }
    }

    package func settle(_ disk: DiskID) throws(DiskFormatError) {
        // Written once more, it is stable even if the write before was only on its way to be.
        guard case .disk(let bytes)? = try entry(disk) else { throw .notFound }
        try change(disk, from: .disk(bytes), to: .disk(bytes))
    }

    package func grow(_ header: DiskHeader, to byteCount: UInt64) throws(DiskFormatError) -> DiskHeader {
        let grown = try header.grown(to: byteCount)
        try format(dataPlace(of: header.disk)) { () throws(RBDFailure) in try image(of: header.disk).resize(to: byteCount) }
        try replaceHeader(with: grown)
        return grown
    }

    package func replaceHeader(with header: DiskHeader) throws(DiskFormatError) {
        guard case .disk(let bytes)? = try entry(header.disk) else { throw .notFound }
        guard try Self.header(bytes, of: header.disk).generation == header.generation &- 1 else { throw Self.changedMeanwhile }
        try change(header.disk, from: .disk(bytes), to: .disk(header.bytes))
    }

    package func beginReencryption(of header: DiskHeader, _ job: HeaderReencryption) throws(DiskFormatError) -> DiskHeader {
        let begun = try header.reencrypting(job)
        let first = try JournalRecord(disk: header.disk, job: job.job, sequence: 0, offset: 0).bytes()
        try format(journalPlace(of: header.disk)) { () throws(RBDFailure) in try RBDJournal(connection, of: header.disk).replace(by: first) }
        // If this fails its journal is replaced by the next try, or goes with the disk: the header may be in place all the same.
        try replaceHeader(with: begun)
        return begun
    }

    package func endReencryption(of header: DiskHeader) throws(DiskFormatError) -> DiskHeader {
        let ended = try header.reencrypted()
        try replaceHeader(with: ended)
        try format(journalPlace(of: header.disk)) { () throws(RBDFailure) in try RBDJournal(connection, of: header.disk).remove() }
        return ended
    }

    // MARK: Data

    package func open(_ header: DiskHeader, isReadOnly: Bool) throws(BlockError) -> any DiskStorage {
        if isReadOnly { return try read(header.disk) }
        do throws(RBDFailure) {
            let image = try RBDImage(connection, RBDPoolName.image(of: header.disk), .writing)
            let found = try image.size()
            guard found >= header.byteCount else { throw RBDFailure(EIO, "the image is shorter than the disk's header says") }
            // It was to become larger when a process ended.
            if found > header.byteCount { try image.resize(to: header.byteCount) }
            images.withLock { images in
                images.open[header.disk] = Opened(image: image)
                images.allocated[header.disk] = nil
            }
            return image
        } catch {
            throw error.code == ENOENT ? .refused("the image is missing") : error.block
        }
    }

    package func openJournal(of disk: DiskID, isReadOnly: Bool) throws(BlockError) -> any JournalStorage { RBDJournal(connection, of: disk) }

    package func begin(_ disk: DiskID, byteCount: UInt64) throws(DiskFormatError) {
        if case .new(let source)? = try entry(disk) { try remove(disk, madeOf: source) }
        do throws(DiskFormatError) { try change(disk, from: nil, to: .new(of: nil)) } catch where error == Self.changedMeanwhile { throw .exists }
    }

    package func copy(_ source: DiskHeader, to disk: DiskID) throws(BlockError) -> any DiskCopying {
        do throws(RBDFailure) {
            guard try directory.swap(disk.text, from: DirectoryEntry.new(of: nil).bytes, to: DirectoryEntry.new(of: source.disk).bytes) else {
                throw RBDFailure(EEXIST)
            }
            try image(of: source.disk).makeSnapshot(RBDPoolName.image(of: disk))
        } catch {
            throw error.block
        }
        return RBDClone(connection, of: source.disk, to: disk, byteCount: source.byteCount)
    }

    package func finish(_ header: DiskHeader) throws(DiskFormatError) {
        guard let begun = try entry(header.disk), case .new = begun else { throw .notFound }
        try change(header.disk, from: begun, to: .disk(header.bytes))
    }

    package func abandon(_ disk: DiskID) {
        guard case .new(let source)? = try? entry(disk) else { return }
        try? remove(disk, madeOf: source)
    }

    // MARK: Parts

    static let changedMeanwhile = DiskFormatError.invalid("somebody else has changed the disk's header meanwhile")

    private static func header(_ bytes: [UInt8], of disk: DiskID) throws(DiskFormatError) -> DiskHeader {
        let header = try DiskHeader(bytes: bytes)
        guard header.disk == disk else { throw .otherDisk }
        return header
    }

    /// What the directory says of each disk.
    func disks() throws(RBDFailure) -> [DiskID: DirectoryEntry] {
        var found: [DiskID: DirectoryEntry] = [:]
        for (key, value) in try directory.entries() {
            if let disk = DiskID(key), disk.text == key { found[disk] = DirectoryEntry(bytes: value) }
        }
        return found
    }

    func entry(_ disk: DiskID) throws(DiskFormatError) -> DirectoryEntry? {
        try format(headerPlace(of: disk)) { () throws(RBDFailure) in try directory.value(of: disk.text).map(DirectoryEntry.init(bytes:)) }
    }

    /// - Throws: ``changedMeanwhile`` if it is not `old`.
    func change(_ disk: DiskID, from old: DirectoryEntry?, to new: DirectoryEntry?) throws(DiskFormatError) {
        let isDone = try format(headerPlace(of: disk)) { () throws(RBDFailure) in
            try directory.swap(disk.text, from: old?.bytes, to: new?.bytes)
        }
        guard isDone else { throw Self.changedMeanwhile }
    }

    /// A disk's image for a change of all of it: the one that is open, or another.
    func image(of disk: DiskID) throws(RBDFailure) -> RBDImage {
        if let open = images.withLock({ $0.open[disk]?.image }), open.isOpen { return open }
        images.withLock { $0.allocated[disk] = nil }
        return try RBDImage(connection, RBDPoolName.image(of: disk), .changing)
    }

    private func read(_ disk: DiskID) throws(BlockError) -> RBDImage {
        do throws(RBDFailure) { return try RBDImage(connection, RBDPoolName.image(of: disk), .reading) } catch {
            throw error.code == ENOENT ? .refused("the image is missing") : error.block
        }
    }

    func format<R>(_ place: String, _ body: () throws(RBDFailure) -> R) throws(DiskFormatError) -> R {
        do throws(RBDFailure) { return try body() } catch { throw error.format(at: place) }
    }

    /// Names the installation in the directory, and has the cluster refuse what earlier processes of it may still have on its way.
    func claim() throws(RBDFailure) {
        try directory.make()
        if try !directory.swap(Self.ownerKey, from: nil, to: Array(installation.utf8)) {
            let owner = try Self.owner(of: connection) ?? ""
            guard owner == installation else { throw Self.taken(by: owner) }
        }
        for (key, value) in try directory.entries(Self.processPrefix) {
            try connection.fence(String(decoding: value, as: UTF8.self))
            _ = try directory.swap(key, from: value, to: nil)
        }
        let address = try connection.address()
        _ = try directory.swap(Self.processPrefix + address, from: nil, to: Array(address.utf8))
    }

    /// The installation whose disks a pool has, or nil if it has none.
    ///
    /// - Throws: ``RBDFailure``.
    package static func owner(of pool: RBDPool) throws(RBDFailure) -> String? {
        try RBDDirectory(pool).value(of: ownerKey).map { String(decoding: $0.prefix(64), as: UTF8.self) }
    }

    /// The refusal of a pool that is another installation's.
    package static func taken(by owner: String) -> RBDFailure {
        RBDFailure(EBUSY, "it has the disks of another installation (\(owner)): give each a namespace of its own with `rbd namespace create`")
    }

    package func end() {
        guard let address = try? connection.address() else { return }
        _ = try? directory.swap(Self.processPrefix + address, from: Array(address.utf8), to: nil)
    }

    private static let ownerKey = "owner"
    private static let processPrefix = "process."
}
