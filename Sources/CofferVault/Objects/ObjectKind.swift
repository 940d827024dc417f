/// The kinds of objects that a vault holds. The raw value is the first segment of their paths.
enum ObjectKind: String, CaseIterable, Codable, Sendable {
    case keys
    case secrets
    case certificates

    /// The first segment of the paths of deleted ones, such as `deletedkeys`.
    var deletedPath: String { "deleted\(rawValue)" }

    /// One of them, in a sentence.
    var noun: String {
        switch self {
        case .keys: "key"
        case .secrets: "secret"
        case .certificates: "certificate"
        }
    }

    /// One of them, at the beginning of a sentence and of names such as `KeyNotFound`.
    var title: String {
        switch self {
        case .keys: "Key"
        case .secrets: "Secret"
        case .certificates: "Certificate"
        }
    }

    /// Where the ``ObjectRecord``s of objects in use are.
    var collection: String { rawValue }

    /// Where the ``ObjectRecord``s of deleted objects are, until they are recovered or purged.
    var deletedCollection: String { "deleted-\(rawValue)" }

    /// Where the versions of both are.
    var versionsCollection: String { "\(noun)-versions" }

    /// Collections with a document for each object under ``ObjectRecord/path(_:in:)``, which go when the object is purged.
    var companionCollections: [String] {
        switch self {
        case .keys: ["key-rotation-policies"]
        case .secrets: []
        case .certificates: ["certificate-policies", "certificate-operations"]
        }
    }
}
