import CofferModel
import CofferPlatform

/// What a request says that a disk or snapshot is to be made of, `creationData`.
enum DiskCreationWish: Equatable, Sendable {
    case empty
    /// A disk or a snapshot.
    case copy(ResourceID)
    /// A managed image; without a number, its OS disk.
    case image(ResourceID, lun: Int?)
    /// An image of this installation.
    case platformImage(PlatformImage)
    /// A fixed VHD that clients are going to write, page by page.
    case upload(DiskUpload)
    /// A file of a known format on this machine.
    case importedFile(uri: String)

    /// - Returns: nil if nothing is said.
    /// - Throws: ``APIError`` for an option that is not served, or that lacks what it is of.
    init?(_ data: DiskBody.CreationData) throws {
        guard let option = data.createOption else { return nil }
        switch option.lowercased() {
        case "empty": self = .empty
        case "copy": self = .copy(try Self.id(data.sourceResourceId ?? data.sourceUri, "sourceResourceId", option))
        case "fromimage":
            guard data.galleryImageReference?.id == nil else {
                throw APIError.notServedYet("Galleries are", target: "creationData.galleryImageReference")
            }
            self = .image(try Self.id(data.imageReference?.id, "imageReference.id", option), lun: data.imageReference?.lun)
        case "upload":
            guard let count = data.uploadSizeBytes else { throw APIError.uploadSizeRequired }
            let mebibyte: Int64 = 1 << 20
            guard (20_972_032...35_183_298_347_520).contains(count), (count - Int64(VHDFooter.byteCount)) % mebibyte == 0 else {
                throw APIError.uploadSizeNotValid(count)
            }
            self = .upload(DiskUpload(byteCount: UInt64(count)))
        case "import":
            guard let uri = data.sourceUri, !uri.isEmpty else { throw APIError.creationSourceRequired("sourceUri", option) }
            self = .importedFile(uri: uri)
        default: throw APIError.notServedYet("The createOption '\(option.prefix(60))' is", target: "creationData.createOption")
        }
    }

    private static func id(_ text: String?, _ name: String, _ option: String) throws -> ResourceID {
        guard let text, !text.isEmpty else { throw APIError.creationSourceRequired(name, option) }
        guard let id = ResourceID(text) else {
            throw APIError.invalidParameter("'\(text.prefix(200))' is not the id of a resource.", target: "creationData.\(name)")
        }
        return id
    }
}

extension APIError {
    fileprivate static func creationSourceRequired(_ name: String, _ option: String) -> APIError {
        invalidParameter(
            "Required parameter 'creationData.\(name)' is missing (null): the createOption '\(option)' needs it.", target: "creationData.\(name)")
    }
}
