package import CofferModel

extension Authorizer {
    /// Requires that whoever asks for one resource may use another that the request names.
    ///
    /// - Parameters:
    ///   - id: What is asked for, with `grant`.
    ///   - linked: What it names, which needs `action`.
    /// - Throws: ``APIError`` with the code `LinkedAuthorizationFailed`.
    package func require(_ action: Action, on linked: ResourceID, linkedFrom id: ResourceID, by grant: Grant) async throws {
        guard try await allows(grant.caller, action, on: linked) else {
            throw APIError(
                status: 403, code: "LinkedAuthorizationFailed",
                message: "The client '\(grant.caller.applicationID)' with object id '\(grant.caller.objectID)' has permission to perform action "
                    + "'\(grant.action.name)' on scope '\(id.text)'; however, it does not have permission to perform action(s) '\(action.name)' "
                    + "on the linked scope(s) '\(linked.text)' (respectively) or the linked scope(s) are invalid.")
        }
    }
}
