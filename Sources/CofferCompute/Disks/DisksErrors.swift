import CofferModel
import CofferPlatform

extension APIError {
    static func diskSizeNotValid(_ size: String) -> APIError {
        invalidParameter(
            "A disk of \(size) cannot be made. Disks have 1 to 32767 GiB; a size in bytes must be a multiple of 4096.", target: "diskSizeGB")
    }

    static let diskSizeRequired = invalidParameter(
        "Required parameter 'diskSizeGB' is missing (null): say how large the disk shall be, 1 to 32767 GiB.", target: "diskSizeGB")

    static let createOptionRequired = invalidParameter(
        "Required parameter 'creationData.createOption' is missing (null). Say Empty, Copy, FromImage, Import or Upload.",
        target: "creationData.createOption")

    /// 409: a smaller size than it has.
    static func diskCannotShrink(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed", message: "The size of disk '\(id.name)' cannot be reduced.", target: "diskSizeGB")
    }

    /// 409: a snapshot is as large as its source was.
    static func snapshotSizeFixed(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The size of snapshot '\(id.name)' is that of its source and cannot be changed. Make a larger disk of it.",
            target: "diskSizeGB")
    }

    /// 400: less than what is to be in it.
    static func smallerThanSource(_ gibibytes: UInt64, _ what: String) -> APIError {
        invalidParameter(
            "The size is smaller than that of \(what), \(gibibytes) GiB. Leave 'diskSizeGB' out, or say that much or more.",
            target: "diskSizeGB")
    }

    /// 409: one at a time.
    static func diskIsReencrypted(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is being re-encrypted. Try again when that is done: coffer disk reencrypt \(id.name) -g \(id.group ?? "") "
                + "--status shows how far it is.")
    }

    /// 409: there is nothing to pause or to show.
    static func diskIsNotReencrypted(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is not being re-encrypted. Begin with: coffer disk reencrypt \(id.name) -g \(id.group ?? "")")
    }

    /// 409: the data of a copy is that of its source.
    static func layersDiffer(_ record: DiskRecord, _ type: DiskEncryptionType) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "'\(record.id.name)' is encrypted as \(record.encryption.rawValue), in \(record.encryption.layerCount == 1 ? "one layer" : "two layers"), "
                + "and \(type.rawValue) has \(type.layerCount == 1 ? "one" : "two"). A copy has as many layers as its source: leave the "
                + "encryption out, and change it afterwards with: az disk update --encryption-type \(type.rawValue)",
            target: "encryption.type")
    }

    /// 400: not the id of something that a disk can be made of.
    static func sourceNotValid(_ text: String, types: [String]) -> APIError {
        let forms = types.map { "Microsoft.Compute/\($0)" }.joined(separator: " or ")
        return invalidParameter(
            "'\(text.prefix(200))' cannot be the source. It must be the id of a resource of the type \(forms).",
            target: "creationData.sourceResourceId")
    }

    static func sourceInOtherSubscription(_ id: ResourceID) -> APIError {
        invalidParameter("The source '\(id.text)' is in another subscription.", target: "creationData.sourceResourceId")
    }

    static func sourceInOtherRegion(_ id: ResourceID, _ theirs: String, asked: String) -> APIError {
        invalidParameter(
            "The source '\(id.name)' is in '\(theirs)' and what is made of it is to be in '\(asked)'. Both must be in one region.",
            target: "location")
    }

    /// 404: no such source.
    static func sourceNotFound(_ id: ResourceID, lun: Int?) -> APIError {
        APIError(
            status: 404, code: "ResourceNotFound",
            message: "The source '\(id.text)'\(lun.map { " has no data disk \($0) and" } ?? "") was not found.",
            target: "creationData.sourceResourceId")
    }

    /// 409: it is in use.
    static func diskIsAttached(_ disk: DiskRecord) -> APIError {
        let (id, group) = (disk.id, disk.id.group ?? "")
        let advice = disk.machine.map { "to the virtual machine '\($0.text)' and cannot be deleted. Detach it first: az vm disk detach "
            + "-g \($0.group ?? "") --vm-name \($0.name) -n \(id.name)" }
        return APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is attached \(advice ?? "and cannot be deleted. Detach it first: coffer disk detach \(id.name) -g \(group)")")
    }

    /// 409: a creation or deletion of the disk has not come to its end.
    static func diskIsChanging(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "'\(id.name)' is being made, changed or deleted just now. Try again in a moment.")
    }
}
