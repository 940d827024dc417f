import CofferModel

/// Which role definitions a list asks for.
struct RoleDefinitionFilter: Equatable {
    private var name: String?
    private var type: String?

    /// - Throws: ``APIError/unsupportedFilter(_:known:)``.
    init(_ text: String?) throws(APIError) {
        guard let text, !text.isEmpty else { return }
        let refusal = APIError.unsupportedFilter(
            text, known: "roleName eq '{name}', type eq 'BuiltInRole' and atScopeAndBelow()"
        )
        guard let filter = ODataFilter(text) else { throw refusal }
        for term in filter.terms {
            switch term {
            case .equal(let property, let value) where property.lowercased() == "rolename": name = value.lowercased()
            case .equal(let property, let value) where property.lowercased() == "type": type = value.lowercased()
            // Built-in roles are defined at the root, so they are above, at and below every scope.
            case .call(let name, let arguments) where name.lowercased().hasPrefix("atscope") && arguments.isEmpty: break
            default: throw refusal
            }
        }
    }

    func takes(_ role: RoleDefinition) -> Bool {
        (name == nil || role.name.lowercased() == name) && (type == nil || type == "builtinrole")
    }
}
