import CofferModel
import CofferPlatform

/// A resource of Microsoft.Network as it is stored, under ``ResourceID/key``.
struct NetworkRecord: Codable, Equatable, Sendable {
    static let collection = "network"

    let id: ResourceID
    let location: String
    var tags: [String: String]
    /// `{name, tier}`, of a public IP address.
    var sku: JSONValue?
    var zones: [String]?
    /// What was said of it, also what Coffer makes no use of, and the addresses that it was given. Children are apart.
    var properties: [String: JSONValue]
    /// By their type, such as `subnets`, in the order in which they were given.
    var children: [String: [NetworkChild]]
    /// `resourceGuid`: stays as long as the resource does.
    let guid: String
    /// A GUID that is new at every write.
    var etag: String
    /// Of a network interface: whose it is.
    var machine: ResourceID?
    /// Of a network interface that a machine has: whether it is the machine's first.
    var isPrimary: Bool?

    func children(_ type: String) -> [NetworkChild] { children[type] ?? [] }
}

/// A child of a resource, such as a subnet.
struct NetworkChild: Codable, Equatable, Sendable {
    let name: String
    var properties: [String: JSONValue]

    func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }
}

extension [NetworkChild] {
    func first(named name: String) -> NetworkChild? { first { $0.isNamed(name) } }
}

extension ResourceID {
    /// `parent/type/name`; names have been checked, so that this is always an id.
    func childID(_ type: String, _ name: String) -> ResourceID { child(type, name) ?? self }
}

extension [String: JSONValue] {
    /// The text of a property, nil also where it is null.
    func text(_ name: String) -> String? { self[name]?.string }

    /// The texts in a property that is an array, none if it is absent.
    func texts(_ name: String) -> [String] { self[name]?.array?.compactMap(\.string) ?? [] }

    /// Gives a property a value if it has none.
    mutating func fill(_ name: String, _ value: JSONValue) {
        if self[name] == nil || self[name] == .null { self[name] = value }
    }
}
