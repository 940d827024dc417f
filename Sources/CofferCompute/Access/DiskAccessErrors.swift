import CofferModel

extension APIError {
    /// 409: what was asked for would change the disk under who reads it or writes it.
    static func diskHasActiveAccess(_ id: ResourceID) -> APIError {
        let noun = id.isType("Microsoft.Compute/snapshots") ? "snapshot" : "disk"
        return APIError(
            status: 409, code: "OperationNotAllowed",
            message: "There is an active shared access signature outstanding for \(noun) '\(id.name)'. Call EndGetAccess before attaching, changing "
                + "or deleting the \(noun): az \(noun) revoke-access -n \(id.name) -g \(id.group ?? "")")
    }

    /// 409: a guest may write to it.
    static func attachedDiskHasNoAccess(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is attached, so that no access to it can be granted. Detach it first: coffer disk detach \(id.name) -g "
                + "\(id.group ?? ""), or make a snapshot of it and grant access to that.")
    }

    /// 409: its contents are not there yet.
    static func diskAwaitsUpload(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is being uploaded, and can be used when that has ended: az disk grant-access --access-level Write, upload, "
                + "then az disk revoke-access -n \(id.name) -g \(id.group ?? "")")
    }

    /// 409: only uploads are written from outside.
    static func accessIsForReading(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "'\(id.name)' was not made to be uploaded, so that access to it can be granted for reading only. Make a disk with "
                + "createOption Upload.", target: "access")
    }

    static func accessIsForWriting(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' has no contents yet: grant access for writing, upload, and revoke it.", target: "access")
    }

    static let uploadSizeRequired = invalidParameter(
        "Required parameter 'creationData.uploadSizeBytes' is missing (null): say how large the VHD is, the disk and 512 bytes of footer.",
        target: "creationData.uploadSizeBytes")

    static let uploadSizeSaysAll = invalidParameter(
        "'diskSizeGB' is not the size of what is to be uploaded, which 'creationData.uploadSizeBytes' says. Leave it out.", target: "diskSizeGB")

    static func uploadSizeNotValid(_ byteCount: Int64) -> APIError {
        invalidParameter(
            "\(byteCount) bytes cannot be uploaded. A fixed VHD has a whole number of MiB, at least 20, and 512 bytes of footer: 20972032 to "
                + "35183298347520 bytes. 'qemu-img convert -O vpc -o subformat=fixed,force_size' makes one.", target: "creationData.uploadSizeBytes")
    }
}
