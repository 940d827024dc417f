import CofferModel

/// Which role definitions a list asks for.
struct RoleDefinitionFilter: Equatable {
    private var name: String?
    private var type: String?
    /// Whether roles that may be given below the scope only are listed too.
    private var isBelowToo = false

    /// - Throws: ``APIError/unsupportedFilter(_:known:)``.
    init(_ text: String?) throws(APIError) {
        guard let text, !text.isEmpty else { return }
        let refusal = APIError.unsupportedFilter(
            text, known: "roleName eq '{name}', type eq 'BuiltInRole', type eq 'CustomRole' and atScopeAndBelow()"
        )
        guard let filter = ODataFilter(text) else { throw refusal }
        for term in filter.terms {
            switch term {
            case .equal(let property, let value) where property.lowercased() == "rolename": name = value.lowercased()
            case .equal(let property, let value) where property.lowercased() == "type": type = value.lowercased()
            case .call(let name, let arguments) where name.lowercased() == "atscopeandbelow" && arguments.isEmpty: isBelowToo = true
            case .call(let name, let arguments) where name.lowercased() == "atscope" && arguments.isEmpty: break
            default: throw refusal
            }
        }
    }

    /// Whether `role` belongs to the list of `place`.
    func takes(_ role: RoleDefinition, at place: ResourceID) -> Bool {
        if let name, role.name.lowercased() != name { return false }
        if let type, type != (role.custom == nil ? "builtinrole" : "customrole") { return false }
        return role.isAssignable(at: place) || isBelowToo && role.custom?.assignableScopes.contains { place.contains($0) } == true
    }
}
