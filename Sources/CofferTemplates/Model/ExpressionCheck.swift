import CofferModel

/// Reads every expression of a template before any is evaluated, so that one that cannot be read, or calls a function that does not exist, is
/// found wherever it stands.
struct ExpressionCheck {
    private let template: Template

    init(_ template: Template) { self.template = template }

    func run() throws { try check(template.source, isTemplate: true) }

    private func check(_ json: JSONValue, isTemplate: Bool = false) throws {
        switch json {
        case .string(let text):
            guard case .expression(let inner) = TemplateString(text) else { return }
            try ExpressionParser.parse(inner).forEachCall { call in
                let isKnown = call.namespace == nil ? FunctionTable.function(call.name) != nil : template.functions[call.fullName.lowercased()] != nil
                guard isKnown else { throw TemplateFailure.unknownFunction(call.fullName) }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() { try TemplateFailure.at("[\(index)]") { try check(element) } }
        case .object(let members):
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                // A nested template with expressions of its own is checked when it is planned; what is said of a template is not evaluated.
                if name.lowercased() == "metadata" || name.lowercased() == "template" && value.member("$schema") != nil { continue }
                try TemplateFailure.at(name) {
                    try check(.string(name))
                    try check(value)
                }
            }
        default: break
        }
    }
}
