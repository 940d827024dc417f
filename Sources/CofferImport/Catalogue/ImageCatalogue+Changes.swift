import CofferCore
import CofferModel
import FoundationEssentials
import Glibc

extension ImageCatalogue {
    /// A place to make an image in. What earlier makers left unfinished is removed.
    ///
    /// - Throws: ``CatalogueError/system(_:)``.
    package func stage() throws(CatalogueError) -> ImageStage {
        try ImageStage(in: directory)
    }

    /// Makes a staged disk the image `record.name`. After it returns, the image is there whatever happens to this machine.
    ///
    /// - Throws: ``CatalogueError/exists(_:)`` if there is an image of that name.
    package func publish(_ stage: ImageStage, as record: ImageRecord) throws(CatalogueError) -> Entry {
        let name = record.name
        let isTaken = list().images.contains {
            $0.record.name.isOf(publisher: name.publisher, offer: name.offer, sku: name.sku) && $0.record.name.version == name.version
        }
        if isTaken { throw .exists(name) }
        guard let bytes = try? JSON.encode(record.json) else { throw .badRecord("The record of \(name) cannot be written.") }
        guard unsafe chmod(stage.diskPath, 0o444) == 0 else { throw .system("\(stage.diskPath) is missing") }
        try CatalogueFiles.sync(stage.diskPath)
        try CatalogueFiles.write(bytes, to: "\(stage.path)/\(Self.recordName)")
        try CatalogueFiles.sync(stage.path)
        let path = path(of: name)
        let shelf = CatalogueFiles.parent(of: path)
        try CatalogueFiles.makeDirectories(shelf)
        // Fails if another maker was faster: a directory with something in it is not replaced.
        guard unsafe rename(stage.path, path) == 0 else {
            if errno == EEXIST || errno == ENOTEMPTY { throw .exists(name) }
            throw .system("\(path) cannot be made: \(unsafe String(cString: strerror(errno)))")
        }
        try CatalogueFiles.sync(shelf)
        try CatalogueFiles.sync(directory)
        return Entry(record: record, diskPath: "\(path)/\(Self.diskName)")
    }

    /// Removes an image, or what is in its place and cannot be used. Disks that were made of it are their own.
    ///
    /// - Throws: ``CatalogueError/notFound(_:)``.
    package func delete(_ name: ImageName) throws(CatalogueError) {
        let path = path(of: name)
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { throw .notFound(name.description) }
        // Gone at once for readers, whatever becomes of the rest.
        let doomed = "\(directory)/\(Self.unfinishedPrefix)\(UUID().uuidString.lowercased())"
        guard unsafe rename(path, doomed) == 0 else { throw .system("\(path) cannot be removed: \(unsafe String(cString: strerror(errno)))") }
        try CatalogueFiles.sync(CatalogueFiles.parent(of: path))
        ImageStage.sweep(directory)
        // Shelves that are empty now.
        for shelf in ["\(directory)/\(name.publisher)/\(name.offer)/\(name.sku)", "\(directory)/\(name.publisher)/\(name.offer)", "\(directory)/\(name.publisher)"] {
            guard unsafe rmdir(shelf) == 0 else { break }
        }
    }
}
