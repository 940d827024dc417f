import CofferModel

/// A parameter of a template.
package struct ParameterDeclaration: Sendable {
    /// As it is spelled in the template.
    package let name: String
    let schema: JSONValue
    let defaultValue: JSONValue?
    let isNullable: Bool

    init(_ name: String, _ schema: JSONValue) throws {
        guard case .object = schema else { throw TemplateFailure("The declaration of a parameter is \(schema.typeName), not an object") }
        guard schema.member("type")?.string != nil || schema.member("$ref")?.string != nil else { throw TemplateFailure("The parameter has no type") }
        self.name = name
        self.schema = schema
        defaultValue = schema.member("defaultValue")
        isNullable = schema.member("nullable")?.bool ?? false
    }

    /// Whether a value has to be given.
    package var isRequired: Bool { defaultValue == nil && !isNullable }
}

/// An output of a template.
package struct OutputDeclaration: Sendable {
    package let name: String
    let schema: JSONValue
    let value: JSONValue?
    let loop: JSONValue?
    let condition: JSONValue?

    init(_ name: String, _ body: JSONValue) throws {
        guard case .object = body else { throw TemplateFailure("An output is \(body.typeName), not an object") }
        self.name = name
        schema = body
        value = body.member("value")
        loop = body.member("copy")
        condition = body.member("condition")
        guard value != nil || loop != nil else { throw TemplateFailure("The output has neither 'value' nor 'copy'") }
    }
}

/// A function that a template defines.
struct UserFunction: Sendable {
    let parameters: [ParameterDeclaration]
    let output: JSONValue
    let outputSchema: JSONValue

    /// The functions of the section `functions`, by `namespace.name` in lower case.
    static func all(in section: JSONValue) throws -> [String: UserFunction] {
        if section == .null { return [:] }
        guard case .array(let spaces) = section else { throw TemplateFailure("The functions are \(section.typeName), not an array") }
        var functions: [String: UserFunction] = [:]
        for space in spaces {
            guard let namespace = space.member("namespace")?.string, case .object(let members)? = space.member("members") else {
                throw TemplateFailure("A group of functions has no 'namespace' or no 'members'")
            }
            for (name, body) in members {
                functions["\(namespace).\(name)".lowercased()] = try TemplateFailure.at("\(namespace).\(name)") { try UserFunction(body) }
            }
        }
        return functions
    }

    private init(_ body: JSONValue) throws {
        guard let schema = body.member("output"), let value = schema.member("value") else { throw TemplateFailure("The function has no output with a value") }
        var parameters: [ParameterDeclaration] = []
        if case .array(let declared)? = body.member("parameters") {
            for parameter in declared {
                guard let name = parameter.member("name")?.string else { throw TemplateFailure("A parameter of the function has no name") }
                parameters.append(try ParameterDeclaration(name, parameter))
            }
        }
        self.parameters = parameters
        output = value
        outputSchema = schema
    }
}
