import FoundationEssentials
import Glibc

/// The images that virtual machines can be made of: directories `PUBLISHER/OFFER/SKU/VERSION` below one directory, each with a raw
/// disk and its record (docs/formats/images.md).
///
/// Reading it needs no lock: an image comes and goes as a whole, by one rename.
package struct ImageCatalogue: Sendable {
    /// The directory of all images, `DATA/images`. It need not be there: then there are none.
    package let directory: String

    package static let diskName = "disk.raw"
    package static let recordName = "image.json"
    /// The beginning of names of directories that are no images: in the making, or on their way out.
    static let unfinishedPrefix = ".unfinished-"

    package init(directory: String) {
        self.directory = directory
    }

    /// An image that can be used.
    package struct Entry: Equatable, Sendable {
        package let record: ImageRecord
        /// The raw disk, an absolute path if the catalogue's is one.
        package let diskPath: String
    }

    /// A directory that looks like an image's and is none, with the reason.
    package struct Refusal: Equatable, Sendable {
        package let path: String
        package let reason: String
    }

    /// All images, by name and the oldest version first, and what is refused.
    package func list() -> (images: [Entry], refused: [Refusal]) {
        var images: [Entry] = []
        var refused: [Refusal] = []
        for publisher in Self.children(of: directory) {
            for offer in Self.children(of: "\(directory)/\(publisher)") {
                for sku in Self.children(of: "\(directory)/\(publisher)/\(offer)") {
                    for version in Self.children(of: "\(directory)/\(publisher)/\(offer)/\(sku)") {
                        let path = "\(directory)/\(publisher)/\(offer)/\(sku)/\(version)"
                        do throws(CatalogueError) {
                            guard let number = ImageVersion(version) else { throw .badName("'\(version)' is no version.") }
                            images.append(try entry(at: path, named: ImageName(publisher: publisher, offer: offer, sku: sku, version: number)))
                        } catch {
                            refused.append(Refusal(path: path, reason: error.description))
                        }
                    }
                }
            }
        }
        images.sort { left, right in
            let (one, two) = (left.record.name, right.record.name)
            return one.family == two.family ? one.version < two.version : one.family < two.family
        }
        return (images, refused)
    }

    /// The image of that name, without regard to case.
    ///
    /// - Parameter version: `MAJOR.MINOR.PATCH`, or `latest` for the highest that there is.
    /// - Throws: ``CatalogueError/notFound(_:)``; ``CatalogueError/badRecord(_:)`` if it is there but cannot be used.
    package func find(publisher: String, offer: String, sku: String, version: String) throws(CatalogueError) -> Entry {
        let (images, refused) = list()
        let versions = images.filter { $0.record.name.isOf(publisher: publisher, offer: offer, sku: sku) }
        let isLatest = version.lowercased() == "latest"
        let found = isLatest ? versions.max { $0.record.name.version < $1.record.name.version } : versions.first { $0.record.name.version.description == version }
        if let found { return found }
        let path = "\(directory)/\(publisher)/\(offer)/\(sku)/\(version)"
        if let refusal = refused.first(where: { $0.path.lowercased() == path.lowercased() }) {
            throw .badRecord("The image at \(refusal.path) cannot be used: \(refusal.reason)")
        }
        throw .notFound("\(publisher):\(offer):\(sku):\(version)")
    }

    /// Where the image of that name is, or would be.
    func path(of name: ImageName) -> String {
        "\(directory)/\(name.publisher)/\(name.offer)/\(name.sku)/\(name.version)"
    }

    private func entry(at path: String, named name: ImageName) throws(CatalogueError) -> Entry {
        let record = try ImageRecord(json: Self.contents(of: "\(path)/\(Self.recordName)"))
        guard record.name == name else { throw .badRecord("Its \(Self.recordName) is of another image: \(record.name).") }
        let disk = "\(path)/\(Self.diskName)"
        var status = stat()
        guard unsafe lstat(disk, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw .badRecord("Its \(Self.diskName) is missing.") }
        guard UInt64(clamping: status.st_size) == record.sizeBytes else {
            throw .badRecord("Its \(Self.diskName) has \(status.st_size) bytes, and not \(record.sizeBytes). Delete the image, and build or import it again.")
        }
        return Entry(record: record, diskPath: disk)
    }

    private static func contents(of path: String) throws(CatalogueError) -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else { throw .badRecord("Its \(recordName) cannot be read: \(unsafe String(cString: strerror(errno))).") }
        defer { close(file) }
        // One byte more than is allowed, so that what is too long is seen to be.
        var bytes = [UInt8](repeating: 0, count: ImageRecord.maximumByteCount + 1)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        guard count >= 0 else { throw .badRecord("Its \(recordName) cannot be read: \(unsafe String(cString: strerror(errno))).") }
        return Array(bytes.prefix(count))
    }

    /// The names of directories in one, in order. What begins with a dot is not meant for readers.
    private static func children(of path: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { name in
            var status = stat()
            guard !name.hasPrefix("."), unsafe lstat("\(path)/\(name)", &status) == 0 else { return false }
            return status.st_mode & S_IFMT == S_IFDIR
        }.sorted()
    }
}
