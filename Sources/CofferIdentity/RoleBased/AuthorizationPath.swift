import CofferModel

/// A path of Microsoft.Authorization, taken apart: the scope that it extends, and what is asked for there.
struct AuthorizationPath: Equatable {
    let scope: ResourceID
    /// Such as `roleassignments`, in lower case.
    let type: String
    /// Nil for a list.
    let name: String?

    /// - Parameter path: The whole path of the request, in decoded segments. What follows its last
    ///   `providers/Microsoft.Authorization` is asked for, what precedes it is the scope.
    /// - Throws: ``APIError``: a scope that is no resource id, or a path that is too long.
    init(_ path: [String]) throws(APIError) {
        // A decoded slash would move the border between the scope that was authorized and the one that is used.
        guard !path.contains(where: { $0.contains("/") }) else { throw Self.invalid }
        let parts = path.filter { !$0.isEmpty }
        let last = parts.indices.dropLast().last {
            parts[$0].lowercased() == "providers" && parts[$0 + 1].lowercased() == "microsoft.authorization"
        }
        guard let last, let scope = ResourceID("/" + parts[..<last].joined(separator: "/")) else { throw Self.invalid }
        let rest = parts[(last + 2)...]
        guard let type = rest.first, rest.count <= 2 else { throw Self.invalid }
        self.scope = scope
        self.type = type.lowercased()
        name = rest.dropFirst().first
    }

    private static let invalid = APIError(
        status: 400, code: "InvalidScope",
        message: "The path does not name a scope and a resource of Microsoft.Authorization below it."
    )
}
