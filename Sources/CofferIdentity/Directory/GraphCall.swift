import CofferModel
import CofferPlatform

/// A request to the directory, its path taken apart.
struct GraphCall: Sendable {
    let request: APIRequest
    /// The segments behind `v1.0`, without empty ones; `users('x')` counts as `users/x`.
    let path: [String]
    /// ``path`` in lower case.
    let words: [String]
    /// Whether it is about who asks, by way of `me`.
    let isOnSelf: Bool
    /// Finds whether the caller may write the directory; throws what it is told if not.
    let permit: @Sendable () async throws -> Grant

    init(_ request: APIRequest, permit: @escaping @Sendable () async throws -> Grant) {
        let path = request.path.filter { !$0.isEmpty }.dropFirst().flatMap { segment in
            guard segment.hasSuffix("')"), let open = segment.firstRange(of: "('") else { return [segment] }
            return [String(segment[..<open.lowerBound]), String(segment[open.upperBound...].dropLast(2)).replacing("''", with: "'")]
        }
        self.init(request, path: path, isOnSelf: false, permit: permit)
    }

    private init(_ request: APIRequest, path: [String], isOnSelf: Bool, permit: @escaping @Sendable () async throws -> Grant) {
        self.request = request
        self.isOnSelf = isOnSelf
        self.path = path
        words = path.map { $0.lowercased() }
        self.permit = permit
    }

    /// The same of the person who asks, for whom `me` stands.
    func onSelf(_ caller: Caller) -> GraphCall {
        GraphCall(request, path: ["users", caller.objectID] + path.dropFirst(), isOnSelf: true, permit: permit)
    }

    /// What the path names, such as `/users/x`.
    var notFound: APIError { .graphPathNotFound("/" + path.joined(separator: "/")) }
}
