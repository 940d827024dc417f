import CofferModel

extension APIError {
    /// 400: a user-assigned identity that is not there.
    static func userAssignedIdentityNotFound(_ id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "FailedIdentityOperation",
            message: "The user-assigned identity '\(id.text)' was not found. Make it with: az identity create --name \(id.name) "
                + "--resource-group \(id.group ?? "")",
            target: "identity.userAssignedIdentities")
    }

    /// 404: the identity that a set acts as was deleted.
    static func managedIdentityGone(_ id: ResourceID, set: ResourceID) -> APIError {
        APIError(
            status: 404, code: "ManagedServiceIdentityNotFound",
            message: "The user-assigned identity '\(id.text)', which the disk encryption set '\(set.name)' acts as, was deleted. Assign the set "
                + "another one that may use its key: az disk-encryption-set identity assign --name \(set.name) --resource-group "
                + "\(set.group ?? "") --system-assigned")
    }

    /// 400: a PUT of a new set without a key.
    static let activeKeyRequired = invalidParameter(
        "Required parameter 'activeKey.keyUrl' is missing (null): name the key's URL with its version.", target: "activeKey.keyUrl")

    /// 404: the set that a disk names is not there.
    static func encryptionSetNotFound(_ id: ResourceID) -> APIError {
        APIError(
            status: 404, code: "ResourceNotFound",
            message: "The disk encryption set '\(id.text)' was not found. 'az disk-encryption-set list' shows those that there are.",
            target: "encryption.diskEncryptionSetId")
    }

    /// 409: the set is on its way out.
    static func encryptionSetBeingDeleted(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk encryption set '\(id.name)' is being deleted. Make it again, or use another one.")
    }
}
