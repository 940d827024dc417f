import CofferModel

/// Which role assignments a list asks for.
struct RoleAssignmentFilter: Equatable {
    /// `atScope()`: those at the scope and above it, none below.
    var isAtScope = false
    /// `principalId eq '…'` or `assignedTo('…')`.
    var principalID: String?
    /// `assignedTo('…')`: also what the principal has through its groups.
    var includesGroups = false

    /// - Throws: ``APIError/unsupportedFilter(_:known:)``.
    init(_ text: String?) throws(APIError) {
        guard let text, !text.isEmpty else { return }
        let refusal = APIError.unsupportedFilter(text, known: "atScope(), principalId eq '{id}' and assignedTo('{id}')")
        guard let filter = ODataFilter(text) else { throw refusal }
        for term in filter.terms {
            switch term {
            case .call(let name, let arguments) where name.lowercased() == "atscope" && arguments.isEmpty: isAtScope = true
            case .call(let name, let arguments) where name.lowercased() == "assignedto" && arguments.count == 1:
                principalID = arguments[0].lowercased()
                includesGroups = true
            case .equal(let property, let value) where property.lowercased() == "principalid":
                principalID = value.lowercased()
            default: throw refusal
            }
        }
    }

    /// Whether one of the principal's assignments belongs to the list of `place`.
    func takes(_ assignment: RoleAssignmentRecord, at place: ResourceID) -> Bool {
        assignment.scope.contains(place) || (!isAtScope && place.contains(assignment.scope))
    }
}
