import CofferModel

extension APIError {
    /// 404 for a group, also when a resource in it is asked for.
    static func resourceGroupNotFound(_ name: String) -> APIError {
        APIError(status: 404, code: "ResourceGroupNotFound", message: "Resource group '\(name)' could not be found.")
    }

    /// 409 for a PUT that would move a group.
    static func groupLocationFixed(_ name: String, _ location: String) -> APIError {
        APIError(
            status: 409, code: "InvalidResourceGroupLocation",
            message: "The Resource group '\(name)' already exists in location '\(location)'. Its location cannot be changed: "
                + "use '\(location)' or another name."
        )
    }

    /// 409 for the deletion of a group of which something could not be deleted.
    static func groupNotEmpty(_ name: String, _ reasons: [String]) -> APIError {
        APIError(
            status: 409, code: "ResourceGroupDeletionBlocked",
            message: "Resource group '\(name)' still holds resources that could not be deleted: " + reasons.joined(separator: "; ")
        )
    }
}
