import CofferModel

extension APIError {
    /// 400: no name for an identity.
    static func identityNameNotValid(_ name: String) -> APIError {
        APIError(
            status: 400, code: "InvalidResourceName",
            message: "The name '\(name.prefix(100))' is none of a user-assigned identity. Use 3 to 128 letters, digits, '-' and '_', beginning "
                + "with a letter or digit.",
            target: "name")
    }

    /// 404: a type of Microsoft.ManagedIdentity that is not served, or something below an identity.
    static func identityTypeNotServed(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "'\(path.joined(separator: "/").prefix(200))' could not be found in the namespace 'Microsoft.ManagedIdentity'. Coffer serves "
                + "there userAssignedIdentities, without federated credentials.")
    }
}
