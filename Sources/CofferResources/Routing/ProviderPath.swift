package import CofferModel
package import CofferPlatform

/// What the path of a request to a provider means: which type, which resource, and the permission that it needs.
package struct ProviderPath {
    package let namespace: String
    /// The segments after `providers/{namespace}`.
    package let path: [String]
    /// The segments before that `providers`.
    package let scopePath: [String]
    package let method: APIRequest.Method

    /// - Returns: nil if the path has no `providers/{namespace}/…`.
    package init?(_ parts: [String], method: APIRequest.Method) {
        guard let index = Self.start(parts), parts.count > index + 2 else { return nil }
        namespace = parts[index + 1]
        path = Array(parts[(index + 2)...])
        scopePath = Array(parts[..<index])
        self.method = method
    }

    /// Where the last `providers` is. What follows Microsoft.Features names the provider that a feature is of.
    private static func start(_ parts: [String]) -> Int? {
        let starts = parts.indices.filter { parts[$0].lowercased() == "providers" }
        return starts.first { $0 + 1 < parts.count && isFeatures(parts[$0 + 1]) } ?? starts.last
    }

    private static func isFeatures(_ namespace: String) -> Bool { namespace.lowercased() == FeaturesProvider.name.lowercased() }

    /// A POST to a path of odd length ends with a verb, such as `purge`.
    private var isAction: Bool { method == .post && path.count % 2 == 1 }

    /// The types joined, without a verb: `vaults/keys`.
    package var type: String {
        let nouns = isAction && path.count > 1 ? path.dropLast() : path[...]
        return nouns.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined(separator: "/")
    }

    /// What the caller must be allowed, such as `Microsoft.KeyVault/vaults/write`.
    package var action: Action {
        if isAction {
            let verb = path[path.count - 1]
            if verb.lowercased() == "checknameavailability" { return .management("\(namespace)/\(verb)/read") }
            return .management(path.count == 1 ? "\(namespace)/\(verb)/action" : "\(namespace)/\(type)/\(verb)/action")
        }
        switch method {
        case .get, .head: return .management("\(namespace)/\(type)/read")
        case .put, .patch, .post: return .management("\(namespace)/\(type)/write")
        case .delete: return .management("\(namespace)/\(type)/delete")
        }
    }

    /// Where that must be allowed: the resource, or for a list what holds the resources.
    package var scope: ResourceID? {
        // A feature is no resource: it is allowed or forbidden for the subscription.
        if Self.isFeatures(namespace) { return ResourceID("/" + scopePath.joined(separator: "/")) }
        let whole = isAction || path.count % 2 == 1 ? Array(path.dropLast()) : path
        let parts = whole.isEmpty ? scopePath : scopePath + ["providers", namespace] + whole
        return ResourceID("/" + parts.joined(separator: "/"))
    }
}
