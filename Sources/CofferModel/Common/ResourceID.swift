/// The id of something in Azure Resource Manager: a subscription, a resource group, a resource, or a child or extension
/// of one. Ids compare without regard to case and keep the spelling they were given.
///
/// An id is a scope, a provider namespace and pairs of type and name:
/// `/subscriptions/S/resourceGroups/G/providers/Microsoft.KeyVault/vaults/V/keys/K`. An extension resource (a role
/// assignment on a vault) has a second `providers` part; then ``scope`` is the resource it extends.
package struct ResourceID: Sendable {
    /// One pair of type and name, such as `vaults` and `kv1`.
    package struct Segment: Hashable, Sendable {
        package let type: String
        package let name: String

        package init(type: String, name: String) {
            self.type = type
            self.name = name
        }
    }

    package let subscription: String?
    package let group: String?
    /// Such as `Microsoft.KeyVault`; nil for a subscription, a group or the tenant's root.
    package let namespace: String?
    /// Type and name pairs after the namespace; empty if there is none.
    package let segments: [Segment]
    /// For an extension resource the text of the id that it extends.
    private let extended: String?

    /// The id as text, without a trailing slash; the root is `/`.
    package let text: String

    /// The text in lower case, equal for equal ids: what stores use as a key.
    package let key: String

    package init(subscription: String, group: String? = nil) {
        self.subscription = subscription
        self.group = group
        namespace = nil
        segments = []
        extended = nil
        text = "/subscriptions/\(subscription)" + (group.map { "/resourceGroups/\($0)" } ?? "")
        key = text.lowercased()
    }

    package init(subscription: String, group: String, namespace: String, type: String, name: String) {
        self.subscription = subscription
        self.group = group
        self.namespace = namespace
        segments = [Segment(type: type, name: name)]
        extended = nil
        text = "/subscriptions/\(subscription)/resourceGroups/\(group)/providers/\(namespace)/\(type)/\(name)"
        key = text.lowercased()
    }

    /// - Returns: nil unless `text` is a whole id: every type has a name. Empty segments are passed over, as clients send
    ///   doubled slashes.
    package init?(_ text: String) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: true).map(String.init)[...]
        var subscription: String?
        var group: String?
        var namespace: String?
        var segments: [Segment] = []
        var extended: String?
        var spelling = ""
        if parts.first?.lowercased() == "subscriptions" {
            guard parts.count >= 2 else { return nil }
            subscription = parts[parts.startIndex + 1]
            spelling = "/subscriptions/\(parts[parts.startIndex + 1])"
            parts = parts.dropFirst(2)
            if parts.first?.lowercased() == "resourcegroups" {
                guard parts.count >= 2 else { return nil }
                group = parts[parts.startIndex + 1]
                spelling += "/resourceGroups/\(parts[parts.startIndex + 1])"
                parts = parts.dropFirst(2)
            }
        }
        while let word = parts.first {
            guard word.lowercased() == "providers", parts.count >= 4 else { return nil }
            if namespace != nil { extended = spelling } else if subscription == nil || group == nil { extended = spelling.isEmpty ? "/" : spelling }
            namespace = parts[parts.startIndex + 1]
            segments = []
            spelling += "/providers/\(parts[parts.startIndex + 1])"
            parts = parts.dropFirst(2)
            while let type = parts.first, type.lowercased() != "providers" {
                guard parts.count >= 2 else { return nil }
                let name = parts[parts.startIndex + 1]
                segments.append(Segment(type: type, name: name))
                spelling += "/\(type)/\(name)"
                parts = parts.dropFirst(2)
            }
            guard !segments.isEmpty else { return nil }
        }
        self.subscription = subscription
        self.group = group
        self.namespace = namespace
        self.segments = segments
        self.extended = extended
        let whole = spelling.isEmpty ? "/" : spelling
        self.text = whole
        key = whole.lowercased()
    }

    /// `parent` with one more pair, both of which are single segments.
    private init(_ parent: ResourceID, _ segment: Segment) {
        subscription = parent.subscription
        group = parent.group
        namespace = parent.namespace
        segments = parent.segments + [segment]
        extended = parent.extended
        text = "\(parent.text)/\(segment.type)/\(segment.name)"
        key = text.lowercased()
    }

    /// The last name, such as `kv1`; of a group or subscription its own.
    package var name: String { segments.last?.name ?? group ?? subscription ?? "" }

    /// `Microsoft.KeyVault/vaults/keys`, the types joined.
    package var resourceType: String? {
        namespace.map { ([$0] + segments.map(\.type)).joined(separator: "/") }
    }

    /// `Microsoft.KeyVault/vaults/kv1`, as error messages name a resource.
    package var typeAndName: String {
        guard let namespace else { return name }
        return namespace + "/" + segments.map { "\($0.type)/\($0.name)" }.joined(separator: "/")
    }

    /// Of an extension resource, the id that it extends.
    package var extendedScope: ResourceID? { extended.flatMap { ResourceID($0) } }

    /// The id that holds this one: of a child its parent, of a resource its group, of a group its subscription; the root
    /// has none.
    package var parent: ResourceID? {
        if segments.count > 1, let end = text.range(of: "/", count: 2) { return ResourceID(String(text[..<end])) }
        if namespace != nil {
            if let extended { return ResourceID(extended) }
            guard let subscription else { return ResourceID("/") }
            return ResourceID(subscription: subscription, group: group)
        }
        if group != nil, let subscription { return ResourceID(subscription: subscription) }
        return subscription == nil ? nil : ResourceID("/")
    }

    /// This id with one more pair of type and name.
    package func child(_ type: String, _ name: String) -> ResourceID? {
        let isPlain = [type, name].allSatisfy { !$0.isEmpty && !$0.utf8.contains(UInt8(ascii: "/")) }
        guard isPlain, namespace != nil, type.lowercased() != "providers" else { return ResourceID("\(text)/\(type)/\(name)") }
        return ResourceID(self, Segment(type: type, name: name))
    }

    /// Whether `other` is this id or lies below it.
    package func contains(_ other: ResourceID) -> Bool {
        guard text != "/" else { return true }
        let (mine, theirs) = (key.utf8, other.key.utf8)
        guard theirs.starts(with: mine) else { return false }
        return theirs.count == mine.count || theirs.dropFirst(mine.count).first == UInt8(ascii: "/")
    }

    /// Whether this id has the type `namespace/type`, without regard to case.
    package func isType(_ type: String) -> Bool {
        resourceType?.lowercased() == type.lowercased()
    }
}

extension ResourceID: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.key == right.key }
    package func hash(into hasher: inout Hasher) { hasher.combine(key) }
}

extension ResourceID: CustomStringConvertible {
    package var description: String { text }
}

extension ResourceID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = ResourceID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a resource id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

extension String {
    /// Where the `count`-th occurrence of `character` from the end stands.
    fileprivate func range(of character: Character, count: Int) -> String.Index? {
        var left = count
        return indices.reversed().first { index in
            if self[index] == character { left -= 1 }
            return left == 0
        }
    }
}
