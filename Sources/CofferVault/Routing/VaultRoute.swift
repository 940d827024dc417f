import CofferPlatform

/// One operation of the data plane: the method and path that ask for it, its name in the audit trail, and who answers.
struct VaultRoute: Sendable {
    typealias Responder = @Sendable (VaultRequest) async throws -> VaultAnswer

    enum Segment: Equatable, Sendable {
        /// In lower case.
        case literal(String)
        case name
        case version
    }

    let method: APIRequest.Method
    let pattern: [Segment]
    /// Such as `KeyUnwrap` (contract section 5.1).
    let operation: String
    let respond: Responder

    /// - Parameter path: Such as `keys/{name}/{version}/sign`. What is in braces, `name` or `version`, matches one segment.
    init(_ method: APIRequest.Method, _ path: String, _ operation: String, _ respond: @escaping Responder) {
        self.method = method
        pattern = path.split(separator: "/").map { part in
            switch part {
            case "{name}": .name
            case "{version}": .version
            default: .literal(part.lowercased())
            }
        }
        self.operation = operation
        self.respond = respond
    }

    /// The path again, as documents show it.
    var path: String {
        pattern.map { segment in
            switch segment {
            case .literal(let word): word
            case .name: "{name}"
            case .version: "{version}"
            }
        }.joined(separator: "/")
    }
}

/// Every operation of the data plane, found by method and path. Of several routes that match, the first is meant.
struct RouteTable: Sendable {
    enum Match: Sendable {
        case route(VaultRoute, name: String?, version: String?)
        /// A resource that exists, asked in a way that it does not answer to.
        case wrongMethod
        case unknown
    }

    private struct Place: Hashable, Sendable {
        let first: String
        let count: Int
    }

    let routes: [VaultRoute]
    private let places: [Place: [VaultRoute]]

    init(_ routes: [VaultRoute]) {
        self.routes = routes
        places = Dictionary(grouping: routes) { route in
            guard case .literal(let word)? = route.pattern.first else { return Place(first: "", count: route.pattern.count) }
            return Place(first: word, count: route.pattern.count)
        }
    }

    /// - Parameter path: As sent. Clients send an empty segment for "the current version": `/keys/n/`, `/keys/n//encrypt`.
    func match(_ method: APIRequest.Method, _ path: [String]) -> Match {
        var path = path[...]
        while path.last == "" { path = path.dropLast() }
        guard let first = path.first?.lowercased(), let candidates = places[Place(first: first, count: path.count)] else { return .unknown }
        var isKnown = false
        for route in candidates {
            guard let (name, version) = Self.values(route.pattern, path) else { continue }
            if route.method == method { return .route(route, name: name, version: version) }
            isKnown = true
        }
        return isKnown ? .wrongMethod : .unknown
    }

    private static func values(_ pattern: [VaultRoute.Segment], _ path: ArraySlice<String>) -> (name: String?, version: String?)? {
        var name: String?
        var version: String?
        for (segment, text) in zip(pattern, path) {
            switch segment {
            case .literal(let word): guard text.lowercased() == word else { return nil }
            case .name:
                guard !text.isEmpty else { return nil }
                name = text
            case .version: version = text.isEmpty ? nil : text
            }
        }
        return (name, version)
    }
}
