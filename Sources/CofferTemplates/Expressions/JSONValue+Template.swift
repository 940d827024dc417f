package import CofferModel

extension JSONValue {
    /// The member of a name, compared without regard to case as Azure Resource Manager does, with the exact spelling before others.
    package func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        if let exact = members[name] { return exact }
        let folded = name.lowercased()
        return members.first { $0.key.lowercased() == folded }?.value
    }

    /// The name of this value's type in messages.
    var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Equality as the function `equals` has it: `1` and `1.0` are the same number.
    func equals(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int(let left), .double(let right)): Double(left) == right
        case (.double(let left), .int(let right)): left == Double(right)
        case (.array(let left), .array(let right)): left.count == right.count && zip(left, right).allSatisfy { $0.equals($1) }
        case (.object(let left), .object(let right)):
            left.count == right.count && left.allSatisfy { name, value in right[name].map { value.equals($0) } ?? false }
        default: self == other
        }
    }

    /// How many elements, members or characters it has itself.
    var breadth: Int {
        switch self {
        case .array(let elements): elements.count
        case .object(let members): members.count
        case .string(let text): text.utf8.count / 16
        default: 1
        }
    }

    /// About how many bytes this value is, counted no further than `limit`.
    ///
    /// - Returns: nil for a value that is deeper than `depth`.
    func weight(upTo limit: Int, depth: Int) -> Int? {
        guard depth >= 0 else { return nil }
        switch self {
        case .null, .bool, .int, .double: return 16
        case .string(let text): return 16 + text.utf8.count
        case .array(let elements):
            var sum = 16
            for element in elements where sum <= limit {
                guard let weight = element.weight(upTo: limit - sum, depth: depth - 1) else { return nil }
                sum += weight
            }
            return sum
        case .object(let members):
            var sum = 16
            for (name, value) in members where sum <= limit {
                guard let weight = value.weight(upTo: limit - sum, depth: depth - 1) else { return nil }
                sum += 16 + name.utf8.count + weight
            }
            return sum
        }
    }
}
