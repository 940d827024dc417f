/// What a subscription can be registered for. The table holds the features that decide something here; Azure has hundreds.
struct Feature: Sendable {
    /// Such as `Microsoft.Compute`.
    let namespace: String
    let name: String
    let description: String

    static let all = [
        Feature(
            namespace: "Microsoft.Compute", name: "EncryptionAtHost",
            description: "Virtual machines whose temporary disks, caches and flow to the storage are encrypted on their host.")
    ]

    /// - Returns: nil if there is none; letter case does not matter.
    static func named(_ name: String, of namespace: String) -> Feature? {
        all.first { $0.namespace.lowercased() == namespace.lowercased() && $0.name.lowercased() == name.lowercased() }
    }

    /// As a document of a list names it.
    var fullName: String { "\(namespace)/\(name)" }
}
