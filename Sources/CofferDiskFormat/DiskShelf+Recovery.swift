import Glibc
package import CofferModel

/// What a host finds on its shelf.
package struct ShelfContents: Equatable, Sendable {
    /// The headers of the disks that can be opened, in the order of their ids.
    package let headers: [DiskHeader]
    /// What cannot be, and why.
    package let refused: [RefusedDisk]

    package init(headers: [DiskHeader], refused: [RefusedDisk]) {
        self.headers = headers
        self.refused = refused
    }
}

/// Directories that a change in progress has under another name than a disk's id.
enum Leftover: CaseIterable {
    /// A disk that is being made and does not exist yet.
    case new
    /// A disk that is being deleted and does not exist any more.
    case deleted

    var prefix: String {
        switch self {
        case .new: ".new-"
        case .deleted: ".deleted-"
        }
    }
}

extension DiskShelf {
    /// Makes the shelf if it is not there, and takes away what a crash left in it: disks half made or half deleted, headers
    /// not yet in place, data behind the end of a disk that was to become larger. Never touches a disk whose header cannot be read.
    ///
    /// - Throws: ``DiskFormatError/file(_:)`` if the shelf itself cannot be made or read.
    package func recover() throws(DiskFormatError) -> ShelfContents {
        do {
            try files.perform(.makeDirectory(path))
            try files.perform(.syncDirectory(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])))
        } catch {
            guard error.code == EEXIST else { throw .file(error) }
        }
        var stuck: [RefusedDisk] = []
        for name in try names() where Leftover.allCases.contains(where: { name.hasPrefix($0.prefix) }) {
            do { try clear("\(path)/\(name)") } catch { stuck.append(RefusedDisk(path: "\(path)/\(name)", reason: error.sentence)) }
        }
        let found = try contents()
        for header in found.headers {
            let new = "\(headerPath(of: header.disk)).new"
            if files.byteCount(of: new) != nil {
                // It may be an old header, with wrapped keys that were to be destroyed.
                try? destroyHeader(at: new)
                try? run([.syncDirectory(directory(of: header.disk))])
            }
            if header.reencryption == nil, files.byteCount(of: journalPath(of: header.disk)) != nil { try? removeJournal(of: header.disk) }
            let data = dataPath(of: header.disk)
            if files.byteCount(of: data).map({ $0 > header.byteCount }) == true { try? run([.setByteCount(data, header.byteCount), .syncFile(data)]) }
        }
        return ShelfContents(headers: found.headers, refused: found.refused + stuck)
    }

    /// The disks that are there now.
    ///
    /// - Throws: ``DiskFormatError/file(_:)`` if the shelf itself cannot be read.
    package func contents() throws(DiskFormatError) -> ShelfContents {
        var headers: [DiskHeader] = []
        var refused: [RefusedDisk] = []
        for name in try names() where !name.hasPrefix(".") && name != "lost+found" {
            guard let disk = DiskID(name), disk.text == name else {
                refused.append(RefusedDisk(path: "\(path)/\(name)", reason: "the name is not a disk id"))
                continue
            }
            do {
                headers.append(try header(of: disk))
            } catch {
                refused.append(RefusedDisk(path: headerPath(of: disk), reason: error.sentence))
            }
        }
        return ShelfContents(headers: headers, refused: refused)
    }

    /// Takes away a directory that is no disk: headers are overwritten first, and gone for good before the data goes.
    func clear(_ directory: String) throws(DiskFormatError) {
        guard let names = try? files.names(in: directory) else { return }
        let headers = names.filter { $0.hasPrefix("header") }.map { "\(directory)/\($0)" }
        for header in headers { try destroyHeader(at: header) }
        if !headers.isEmpty { try run([.syncDirectory(directory)]) }
        for name in names where !name.hasPrefix("header") { try run([.removeFile("\(directory)/\(name)")]) }
        try run([.removeDirectory(directory), .syncDirectory(path)])
    }

    /// Overwrites a header and takes it away.
    func destroyHeader(at path: String) throws(DiskFormatError) {
        let count = min(Int(clamping: files.byteCount(of: path) ?? 0), DiskHeader.maximumFileByteCount)
        try run([.write(path, [UInt8](repeating: 0, count: count)), .syncFile(path), .removeFile(path)])
    }

    private func names() throws(DiskFormatError) -> [String] {
        do { return try files.names(in: path).sorted() } catch { throw .file(error) }
    }
}
