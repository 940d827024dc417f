import CofferModel

extension APIError {
    static func diskSizeNotValid(_ size: String) -> APIError {
        invalidParameter(
            "A disk of \(size) cannot be made. Disks have 1 to 32767 GiB; a size in bytes must be a multiple of 4096.", target: "diskSizeGB")
    }

    static let diskSizeRequired = invalidParameter(
        "Required parameter 'diskSizeGB' is missing (null): say how large the disk shall be, 1 to 32767 GiB.", target: "diskSizeGB")

    static let createOptionRequired = invalidParameter(
        "Required parameter 'creationData.createOption' is missing (null). Say Empty.", target: "creationData.createOption")

    /// 409: another size than it has.
    static func diskResize(_ id: ResourceID, isGrowth: Bool) -> APIError {
        isGrowth
            ? APIError(
                status: 409, code: "OperationNotAllowed",
                message: "The disk '\(id.name)' cannot be enlarged in this version of Coffer. Make a larger disk and copy the data.",
                target: "diskSizeGB")
            : APIError(
                status: 409, code: "OperationNotAllowed", message: "The size of disk '\(id.name)' cannot be reduced.", target: "diskSizeGB")
    }

    /// 409: it is in use.
    static func diskIsAttached(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is attached and cannot be deleted. Detach it first: coffer disk detach \(id.name) -g "
                + "\(id.group ?? "")")
    }

    /// 409: its encryption would have to change, which this version cannot do.
    static func diskEncryptionChange(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The encryption of disk '\(id.name)' cannot be changed in this version of Coffer. Make a new disk and copy the data.",
            target: "encryption")
    }

    /// 409: a creation or deletion of the disk has not come to its end.
    static func diskIsChanging(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is being made or deleted just now. Try again in a moment.")
    }

    /// 403: the caller may make the disk, but not use the set.
    static func linkedAuthorizationFailed(_ grantedTo: String, _ objectID: String, disk: ResourceID, set: ResourceID) -> APIError {
        APIError(
            status: 403, code: "LinkedAuthorizationFailed",
            message: "The client '\(grantedTo)' with object id '\(objectID)' has permission to perform action 'Microsoft.Compute/disks/write' on "
                + "scope '\(disk.text)'; however, it does not have permission to perform action(s) 'Microsoft.Compute/diskEncryptionSets/read' "
                + "on the linked scope(s) '\(set.text)' (respectively) or the linked scope(s) are invalid.")
    }
}
