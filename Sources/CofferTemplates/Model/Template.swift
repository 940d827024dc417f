package import CofferModel

/// A template as it was read: its sections, each with what may be in it.
package struct Template: Sendable {
    /// The document.
    package let source: JSONValue
    package let contentVersion: String
    /// Whether resources have symbolic names: language version 2.0 or a later one of the 2 series.
    package let isSymbolic: Bool
    let types: TypeDefinitions
    /// By name in lower case.
    package let parameters: [String: ParameterDeclaration]
    let variables: [String: JSONValue]
    let variableLoops: [String: PropertyLoop]
    /// By full name in lower case.
    let functions: [String: UserFunction]
    /// With their symbolic names, in order of these or as they are listed.
    let resources: [(symbol: String?, body: JSONValue)]
    package let outputs: [OutputDeclaration]

    private static let sections = [
        "$schema", "contentversion", "apiprofile", "languageversion", "metadata", "definitions", "parameters", "variables", "functions", "resources",
        "outputs",
    ]

    /// - Throws: ``TemplateFailure`` for what no template has, and for what Coffer does not support.
    package init(_ source: JSONValue) throws {
        guard case .object(let members) = source else { throw TemplateFailure("The template is \(source.typeName), not an object") }
        if let unknown = members.keys.sorted().first(where: { !Self.sections.contains($0.lowercased()) }) {
            throw TemplateFailure("The section '\(unknown.prefix(60))' of the template is not supported here")
        }
        guard let schema = source.member("$schema")?.string, !schema.isEmpty else { throw TemplateFailure("The template has no '$schema'") }
        guard let version = source.member("contentVersion")?.string else { throw TemplateFailure("The template has no 'contentVersion'") }
        let language = source.member("languageVersion")?.string ?? "1.0"
        guard language.hasPrefix("1.") || language.hasPrefix("2.") else {
            throw TemplateFailure("The language version '\(language.prefix(40))' is not supported: 1.0 and 2.0 are")
        }
        self.source = source
        contentVersion = version
        isSymbolic = language.hasPrefix("2.")
        let types = TypeDefinitions(try Self.section("definitions", of: source))
        self.types = types
        parameters = try Self.parameters(of: source)
        (variables, variableLoops) = try Self.variables(of: source)
        functions = try TemplateFailure.at("functions") { try UserFunction.all(in: source.member("functions") ?? .null) }
        resources = try Self.resources(of: source, isSymbolic: isSymbolic)
        let declared = try Self.section("outputs", of: source)
        guard declared.count <= TemplateLimits.outputs else { throw TemplateFailure.tooMany(declared.count, "outputs", TemplateLimits.outputs) }
        outputs = try declared.sorted { $0.key < $1.key }.map { name, body in
            try TemplateFailure.at("outputs.\(name)") { try OutputDeclaration(name, body) }
        }
        try ExpressionCheck(self).run()
    }

    /// Whether the parameter's values are secret.
    package func isSecure(_ parameter: ParameterDeclaration) -> Bool { types.isSecure(parameter.schema) }

    /// Whether the parameter's values are objects.
    package func isObject(_ parameter: ParameterDeclaration) -> Bool { typeName(of: parameter).lowercased().hasSuffix("object") }

    /// The parameter's built-in type as answers spell it, such as `SecureString`.
    package func typeName(of parameter: ParameterDeclaration) -> String { types.typeName(of: parameter.schema) }

    static func section(_ name: String, of source: JSONValue) throws -> [String: JSONValue] {
        guard let section = source.member(name), section != .null else { return [:] }
        guard case .object(let members) = section else { throw TemplateFailure("The section '\(name)' of the template is \(section.typeName), not an object") }
        return members
    }

    private static func parameters(of source: JSONValue) throws -> [String: ParameterDeclaration] {
        let declared = try section("parameters", of: source)
        guard declared.count <= TemplateLimits.parameters else { throw TemplateFailure.tooMany(declared.count, "parameters", TemplateLimits.parameters) }
        var parameters: [String: ParameterDeclaration] = [:]
        for (name, schema) in declared {
            let declaration = try TemplateFailure.at("parameters.\(name)") { try ParameterDeclaration(name, schema) }
            guard parameters.updateValue(declaration, forKey: name.lowercased()) == nil else {
                throw TemplateFailure("The parameter '\(name.prefix(100))' is declared twice")
            }
        }
        return parameters
    }

    private static func variables(of source: JSONValue) throws -> ([String: JSONValue], [String: PropertyLoop]) {
        var variables: [String: JSONValue] = [:]
        var loops: [String: PropertyLoop] = [:]
        for (name, value) in try section("variables", of: source) {
            if name.lowercased() == "copy" {
                guard let found = try PropertyLoop.loops(in: value) else {
                    throw TemplateFailure("The member 'copy' of the variables is no array of loops with name, count and input")
                }
                for loop in found { loops[loop.name.lowercased()] = loop }
            } else {
                variables[name.lowercased()] = value
            }
        }
        guard variables.count + loops.count <= TemplateLimits.variables else {
            throw TemplateFailure.tooMany(variables.count + loops.count, "variables", TemplateLimits.variables)
        }
        return (variables, loops)
    }

    private static func resources(of source: JSONValue, isSymbolic: Bool) throws -> [(symbol: String?, body: JSONValue)] {
        let resources: [(symbol: String?, body: JSONValue)]
        switch source.member("resources") ?? .null {
        case .object(let named) where isSymbolic:
            resources = named.sorted { $0.key < $1.key }.map { (symbol: $0.key, body: $0.value) }
        case .array(let listed) where !isSymbolic: resources = listed.map { (symbol: nil, body: $0) }
        case .null: resources = []
        default:
            throw TemplateFailure(
                "The resources are " + (isSymbolic ? "no object of symbolic names, which language version 2.0 has" : "no array, which language version 1.0 has"))
        }
        guard resources.count <= TemplateLimits.resources else { throw TemplateFailure.tooMany(resources.count, "resources", TemplateLimits.resources) }
        return resources
    }
}

extension TemplateFailure {
    static func tooMany(_ count: Int, _ what: String, _ limit: Int) -> TemplateFailure {
        TemplateFailure("The template has \(count) \(what), and \(limit) are allowed", code: "TemplateLimitExceeded")
    }
}
