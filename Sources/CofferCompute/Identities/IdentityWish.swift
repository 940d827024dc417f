import CofferModel

/// Which identities a request wants a resource to have.
struct IdentityWish: Sendable {
    let isSystemAssigned: Bool
    let isUserAssigned: Bool
    let userAssigned: [ResourceID]
    /// Those that a PATCH takes away by `null`.
    let removed: [ResourceID]

    /// - Parameter refusal: Makes the error for what does not fit, from what was given and why it does not.
    /// - Throws: what `refusal` makes.
    init(_ body: IdentityBody, refusal: (_ given: String, _ why: String) -> APIError) throws {
        let words = (body.type ?? "SystemAssigned").split(separator: ",")
            .map { $0.lowercased().filter { !$0.isWhitespace } }
        let known = ["systemassigned", "userassigned", "none"]
        guard !words.isEmpty, words.allSatisfy(known.contains), !words.contains("none") || words.count == 1 else {
            throw refusal(body.type ?? "", "it is no type of identities")
        }
        isSystemAssigned = words.contains("systemassigned")
        isUserAssigned = words.contains("userassigned")
        var given: [ResourceID] = []
        var removed: [ResourceID] = []
        for (text, value) in (body.userAssignedIdentities ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let id = ResourceID(text), id.isType("Microsoft.ManagedIdentity/userAssignedIdentities") else {
                throw refusal(text, "it is not the id of a user-assigned identity")
            }
            if case .null = value { removed.append(id) } else { given.append(id) }
        }
        guard isUserAssigned || given.isEmpty else {
            throw refusal(body.type ?? "", "user-assigned identities are named beside it")
        }
        userAssigned = given
        self.removed = removed
    }
}
