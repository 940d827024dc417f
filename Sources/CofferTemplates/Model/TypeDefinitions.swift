import CofferModel

/// The types of parameters, outputs and functions: the seven built-in ones, and those that a template defines.
struct TypeDefinitions: Sendable {
    private let definitions: [String: JSONValue]

    init(_ definitions: [String: JSONValue]) { self.definitions = definitions }

    /// The value as its type has it.
    ///
    /// - Throws: ``TemplateFailure`` saying where and why it does not fit, without the value.
    func checked(_ value: JSONValue, _ schema: JSONValue, _ what: String) throws -> JSONValue {
        do {
            try check(value, schema, depth: 0)
        } catch let failure as TemplateFailure {
            throw TemplateFailure("The \(what) is not valid: " + (failure.path.isEmpty ? "" : "at \(failure.place), ") + failure.message, code: failure.code)
        }
        return value
    }

    /// Whether the type keeps its values secret.
    func isSecure(_ schema: JSONValue) -> Bool {
        guard let type = (try? resolved(schema))?.member("type")?.string else { return false }
        return ["securestring", "secureobject"].contains(type.lowercased())
    }

    /// The built-in type of a schema as answers spell it.
    func typeName(of schema: JSONValue) -> String {
        let type = (try? resolved(schema))?.member("type")?.string ?? "object"
        let spellings = [
            "string": "String", "int": "Int", "bool": "Bool", "array": "Array", "object": "Object", "securestring": "SecureString",
            "secureobject": "SecureObject",
        ]
        return spellings[type.lowercased()] ?? type
    }

    /// The schema that a chain of references ends at, with what is said beside the references.
    private func resolved(_ schema: JSONValue) throws -> JSONValue {
        var members = schema.object ?? [:]
        for _ in 0..<50 {
            guard let reference = members["$ref"]?.string else { return .object(members) }
            guard reference.hasPrefix("#/definitions/"), let found = definitions[String(reference.dropFirst("#/definitions/".count))]?.object else {
                throw TemplateFailure("the type '\(reference.prefix(100))' is not defined")
            }
            members["$ref"] = nil
            members.merge(found) { own, _ in own }
        }
        throw TemplateFailure("the definition of a type needs itself")
    }

    private func check(_ value: JSONValue, _ schema: JSONValue, depth: Int) throws {
        guard depth <= TemplateLimits.documentDepth else { throw TemplateFailure("types lie too deep in each other") }
        let schema = try resolved(schema)
        if value == .null, schema.member("nullable")?.bool == true { return }
        guard let type = schema.member("type")?.string else { throw TemplateFailure("its type is missing") }
        switch (type.lowercased(), value) {
        case ("string", .string(let text)), ("securestring", .string(let text)):
            try checkBounds(Int64(text.count), schema, "minLength", "maxLength", "characters")
        case ("int", .int), ("int", .double):
            guard let number = value.int else { throw Self.mismatch(type, value) }
            try checkBounds(number, schema, "minValue", "maxValue", "")
        case ("bool", .bool): break
        case ("array", .array(let elements)):
            try checkBounds(Int64(elements.count), schema, "minLength", "maxLength", "elements")
            try check(elements, schema, depth)
        case ("object", .object(let members)), ("secureobject", .object(let members)):
            try check(members, schema, depth)
        case ("string", _), ("securestring", _), ("int", _), ("bool", _), ("array", _), ("object", _), ("secureobject", _):
            throw Self.mismatch(type, value)
        default: throw TemplateFailure("the type '\(type.prefix(60))' is not known: there are string, securestring, int, bool, object, secureObject and array")
        }
        if case .array(let allowed)? = schema.member("allowedValues") { try check(value, allowed: allowed, isArray: type.lowercased() == "array") }
    }

    private func check(_ value: JSONValue, allowed: [JSONValue], isArray: Bool) throws {
        func isAllowed(_ value: JSONValue) -> Bool {
            allowed.contains { choice in
                if case .string(let left) = choice, case .string(let right) = value { left.lowercased() == right.lowercased() } else { choice.equals(value) }
            }
        }
        if isAllowed(value) { return }
        if isArray, case .array(let elements) = value, elements.allSatisfy(isAllowed) { return }
        let names = allowed.prefix(20).compactMap { $0.string ?? $0.int.map(String.init) }.joined(separator: ", ")
        throw TemplateFailure("the value is not one of the allowed ones: \(names)")
    }

    private func check(_ elements: [JSONValue], _ schema: JSONValue, _ depth: Int) throws {
        let leading = schema.member("prefixItems")?.array ?? []
        let items = schema.member("items")
        for (index, element) in elements.enumerated() {
            if index < leading.count {
                try TemplateFailure.at("[\(index)]") { try check(element, leading[index], depth: depth + 1) }
            } else if let items, case .object = items {
                try TemplateFailure.at("[\(index)]") { try check(element, items, depth: depth + 1) }
            } else if items == false {
                throw TemplateFailure("it has more than \(leading.count) elements")
            }
        }
    }

    private func check(_ members: [String: JSONValue], _ schema: JSONValue, _ depth: Int) throws {
        var schema = schema
        if let discriminator = schema.member("discriminator") { schema = try variant(of: members, discriminator, schema) }
        let properties = schema.member("properties")?.object ?? [:]
        for (name, declared) in properties {
            if let value = JSONValue.object(members).member(name) {
                try TemplateFailure.at(name) { try check(value, declared, depth: depth + 1) }
            } else if try resolved(declared).member("nullable")?.bool != true {
                throw TemplateFailure("the property '\(name.prefix(80))' is missing")
            }
        }
        guard let others = schema.member("additionalProperties") else { return }
        let known = Set(properties.keys.map { $0.lowercased() })
        for (name, value) in members where !known.contains(name.lowercased()) {
            if others == false { throw TemplateFailure("the property '\(name.prefix(80))' is not one of its type") }
            if case .object = others { try TemplateFailure.at(name) { try check(value, others, depth: depth + 1) } }
        }
    }

    /// The type that an object's discriminating property chooses.
    private func variant(of members: [String: JSONValue], _ discriminator: JSONValue, _ schema: JSONValue) throws -> JSONValue {
        guard let name = discriminator.member("propertyName")?.string, let mapping = discriminator.member("mapping")?.object else {
            throw TemplateFailure("the discriminator of its type has no 'propertyName' or no 'mapping'")
        }
        guard let choice = JSONValue.object(members).member(name)?.string, let chosen = mapping[choice] else {
            throw TemplateFailure("the property '\(name.prefix(80))' is not one of: \(mapping.keys.sorted().joined(separator: ", "))")
        }
        return try resolved(chosen)
    }

    private func checkBounds(_ number: Int64, _ schema: JSONValue, _ lower: String, _ upper: String, _ unit: String) throws {
        if let bound = schema.member(lower)?.int, number < bound { throw TemplateFailure("it is less than \(bound) \(unit)".trimmedEnd) }
        if let bound = schema.member(upper)?.int, number > bound { throw TemplateFailure("it is more than \(bound) \(unit)".trimmedEnd) }
    }

    private static func mismatch(_ type: String, _ value: JSONValue) -> TemplateFailure {
        TemplateFailure("it should be of the type '\(type)' and is \(value.typeName)")
    }
}

extension String {
    fileprivate var trimmedEnd: String { last == " " ? String(dropLast()) : self }
}
