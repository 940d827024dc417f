import CofferModel

/// Functions of objects.
enum ObjectFunctions {
    static let all: [String: TemplateFunction] = [
        "createObject": .of(0...FunctionTable.any) { arguments in
            guard arguments.count % 2 == 0 else { throw arguments.failure("it takes names and values in pairs") }
            var members: [String: JSONValue] = [:]
            for index in stride(from: 0, to: arguments.count, by: 2) { members[try arguments.string(index)] = arguments[index + 1] }
            return .object(members)
        },
        "items": .of(1) { arguments in
            .array(sorted(try arguments.object(0)).map { ["key": .string($0.key), "value": $0.value] })
        },
        "objectKeys": .of(1) { arguments in .array(sorted(try arguments.object(0)).map { .string($0.key) }) },
        "shallowMerge": .of(1) { arguments in
            var merged: [String: JSONValue] = [:]
            for element in try arguments.array(0) {
                guard case .object(let members) = element else { throw arguments.failure("an element of its array is \(element.typeName), not an object") }
                merged.merge(members) { _, new in new }
            }
            return .object(merged)
        },
        "tryGet": .of(2...FunctionTable.any) { arguments in
            var value = arguments[0]
            for index in 1..<arguments.count {
                switch (value, arguments[index]) {
                case (.object, .string(let name)): value = value.member(name) ?? .null
                case (.array(let elements), _):
                    guard let position = arguments[index].int, position >= 0, position < elements.count else { return .null }
                    value = elements[Int(position)]
                default: return .null
                }
            }
            return value
        },
    ]

    static func sorted(_ members: [String: JSONValue]) -> [(key: String, value: JSONValue)] {
        members.sorted { ($0.key.lowercased(), $0.key) < ($1.key.lowercased(), $1.key) }
    }

    /// The later object's values win, in whatever case their names are; objects in both are merged in turn.
    static func merge(_ members: inout [String: JSONValue], _ others: [String: JSONValue]) {
        let spellings = Dictionary(members.keys.map { ($0.lowercased(), $0) }) { first, _ in first }
        for (name, value) in others {
            let known = members[name] == nil ? spellings[name.lowercased()] ?? name : name
            if case .object(var inner)? = members[known], case .object(let new) = value {
                merge(&inner, new)
                members[known] = .object(inner)
            } else {
                members[known] = value
            }
        }
    }

    /// What both have with equal values.
    static func common(_ left: [String: JSONValue], _ right: [String: JSONValue]) -> [String: JSONValue] {
        left.reduce(into: [:]) { result, member in
            guard let other = right[member.key] else { return }
            if case .object(let inner) = member.value, case .object(let others) = other {
                result[member.key] = .object(common(inner, others))
            } else if member.value.equals(other) {
                result[member.key] = member.value
            }
        }
    }
}
