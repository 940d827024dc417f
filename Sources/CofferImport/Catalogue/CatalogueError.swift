/// Why the catalogue of images refuses something, in a sentence that says what to do.
package enum CatalogueError: Error, Equatable, CustomStringConvertible {
    /// What was given names no image, or no image can be named so.
    case badName(String)
    /// An `image.json` that does not say what it should, or is not true of the disk beside it.
    case badRecord(String)
    case exists(ImageName)
    case notFound(String)
    /// A call of the system that failed: what it was for, and `errno`'s words.
    case system(String)

    package var description: String {
        switch self {
        case .badName(let sentence), .badRecord(let sentence): sentence
        case .exists(let name): "There is an image \(name) already. Delete it (coffer image delete), or choose another version."
        case .notFound(let name): "There is no image \(name). `coffer image list` shows those that there are."
        case .system(let sentence): sentence
        }
    }
}
