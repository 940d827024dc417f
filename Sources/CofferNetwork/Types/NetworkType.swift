import CofferModel
import CofferPlatform

/// A type of Microsoft.Network: what is particular to it. What all have in common is in ``NetworkService``.
protocol NetworkType: Sendable {
    var shape: NetworkShape { get }
    /// Brings what was asked for into the form that is stored: checks it, fills in what was left out, allots addresses. The resources that it
    /// names are there.
    ///
    /// - Throws: ``APIError`` for the first rule that is broken.
    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in network: NetworkReader) throws
    /// What the record alone may have.
    func possessions(of record: NetworkRecord) -> [NetworkClaim]
    /// The children of a type, also those that are told.
    func children(_ type: String, of record: NetworkRecord) -> [NetworkChild]
    /// Adds what is told of a resource to its properties.
    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws
    /// Adds what is told of a child to its properties.
    func tell(_ properties: inout [String: JSONValue], of id: ResourceID, in record: NetworkRecord, _ network: NetworkReader) throws
    /// Answers one of the shape's questions.
    func answer(_ question: String, _ parameter: (String) -> String?, of record: NetworkRecord, in network: NetworkReader) throws -> JSONValue
    /// - Throws: ``APIError`` if the resource is in use.
    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws
}

extension NetworkType {
    var name: String { shape.type }
    func possessions(of record: NetworkRecord) -> [NetworkClaim] { [] }
    func children(_ type: String, of record: NetworkRecord) -> [NetworkChild] { record.children(type) }
    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws {}
    func tell(_ properties: inout [String: JSONValue], of id: ResourceID, in record: NetworkRecord, _ network: NetworkReader) throws {}
    func answer(_ question: String, _ parameter: (String) -> String?, of record: NetworkRecord, in network: NetworkReader) throws -> JSONValue { .null }

    /// All claims that follow from a record.
    func claims(of record: NetworkRecord) throws -> [NetworkClaim] {
        try shape.references(of: record).map { .use(of: $0.target, by: $0.holder) } + possessions(of: record)
    }
}

extension [ResourceID] {
    /// As resources list who uses them.
    var linkList: JSONValue { .array(map { ["id": .string($0.text)] }) }
}
