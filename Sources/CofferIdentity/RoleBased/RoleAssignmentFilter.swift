import CofferModel

/// Which role assignments a list asks for.
struct RoleAssignmentFilter: Equatable {
    /// `atScope()`: those at the scope and above it, none below.
    var isAtScope = false
    /// `principalId eq '…'` or `assignedTo('…')`, which are the same where there are no groups.
    var principalID: String?

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
            case .equal(let property, let value) where property.lowercased() == "principalid":
                principalID = value.lowercased()
            default: throw refusal
            }
        }
    }

    /// Whether an assignment at `scope` belongs to the list of `place`.
    func takes(_ assignment: RoleAssignmentRecord, at place: ResourceID) -> Bool {
        if let principalID, assignment.principalID != principalID { return false }
        return assignment.scope.contains(place) || (!isAtScope && place.contains(assignment.scope))
    }
}
