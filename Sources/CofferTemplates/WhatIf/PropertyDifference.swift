package import CofferModel

/// How a property of a resource would change.
package struct PropertyDifference: Equatable, Sendable {
    package enum Kind: String, Sendable {
        case create = "Create"
        case delete = "Delete"
        case modify = "Modify"
        case array = "Array"
    }

    /// Such as `properties.sku`; of what is in an array its index.
    package let path: String
    package let kind: Kind
    package let before: JSONValue?
    package let after: JSONValue?
    package let children: [PropertyDifference]

    /// How `before` would change by a request that has `after`.
    ///
    /// What a request leaves out stays as it is or has a default, which is not known here, so it is no difference; tags are replaced as a whole.
    package static func between(_ before: JSONValue, _ after: JSONValue) -> [PropertyDifference] {
        differences(before, after, path: "")
    }

    private static func differences(_ before: JSONValue, _ after: JSONValue, path: String) -> [PropertyDifference] {
        guard case .object = before, case .object(let wanted) = after else {
            return difference(before, after, path: path).map { [$0] } ?? []
        }
        var found: [PropertyDifference] = []
        for (name, value) in wanted.sorted(by: { $0.key < $1.key }) where value != .null {
            let place = path.isEmpty ? name : "\(path).\(name)"
            if let old = before.member(name), old != .null {
                found += differences(old, value, path: place)
            } else if value != [:], value != [] {
                found.append(.init(path: place, kind: .create, before: nil, after: value, children: []))
            }
        }
        if path == "tags" {
            for (name, value) in (before.object ?? [:]).sorted(by: { $0.key < $1.key }) where after.member(name) == nil {
                found.append(.init(path: "\(path).\(name)", kind: .delete, before: value, after: nil, children: []))
            }
        }
        return found
    }

    private static func difference(_ before: JSONValue, _ after: JSONValue, path: String) -> PropertyDifference? {
        switch (before, after) {
        case (.array(let old), .array(let new)):
            var children: [PropertyDifference] = []
            for index in 0..<max(old.count, new.count) {
                if index >= old.count {
                    children.append(.init(path: "\(index)", kind: .create, before: nil, after: new[index], children: []))
                } else if index >= new.count {
                    children.append(.init(path: "\(index)", kind: .delete, before: old[index], after: nil, children: []))
                } else {
                    let inner = differences(old[index], new[index], path: "")
                    if inner.isEmpty { continue }
                    let isWhole = inner.count == 1 && inner[0].path.isEmpty
                    children.append(.init(
                        path: "\(index)", kind: .modify, before: isWhole ? .some(old[index]) : .none, after: isWhole ? .some(new[index]) : .none, children: isWhole ? [] : inner))
                }
            }
            return children.isEmpty ? nil : .init(path: path, kind: .array, before: nil, after: nil, children: children)
        case (.string(let old), .string(let new)):
            if old == new { return nil }
            if path == "location", Location.canonical(old) == Location.canonical(new) { return nil }
            if old.hasPrefix("/"), old.lowercased() == new.lowercased() { return nil }
            return .init(path: path, kind: .modify, before: before, after: after, children: [])
        default:
            return before.equals(after) ? nil : .init(path: path, kind: .modify, before: before, after: after, children: [])
        }
    }
}

extension PropertyDifference {
    /// As Azure Resource Manager answers it.
    package var document: JSONValue {
        var document: [String: JSONValue] = ["path": .string(path), "propertyChangeType": .string(kind.rawValue)]
        if let before { document["before"] = before }
        if let after { document["after"] = after }
        if !children.isEmpty { document["children"] = .array(children.map(\.document)) }
        return .object(document)
    }
}
