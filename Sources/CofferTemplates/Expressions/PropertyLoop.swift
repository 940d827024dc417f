import CofferModel

/// A loop that makes the elements of an array: an element of a member `copy` of an object, or of `variables`.
struct PropertyLoop: Sendable {
    /// What one turn counts.
    static let effort = 8

    let name: String
    let count: JSONValue
    let input: JSONValue

    /// The loops of a member `copy`; nil if it is data that only has that name.
    static func loops(in value: JSONValue) throws -> [PropertyLoop]? {
        guard case .array(let elements) = value, !elements.isEmpty else { return nil }
        var loops: [PropertyLoop] = []
        for element in elements {
            guard let name = element.member("name")?.string, let count = element.member("count"), let input = element.member("input") else { return nil }
            loops.append(PropertyLoop(name: name, count: count, input: input))
        }
        return loops
    }
}
