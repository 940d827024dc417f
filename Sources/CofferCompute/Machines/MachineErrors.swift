import CofferModel
import CofferPlatform

extension APIError {
    static func machineSizeUnknown(_ name: String) -> APIError {
        invalidParameter(
            "The value '\(name.prefix(60))' provided for the VM size is not valid. The valid sizes in the current region are: "
                + MachineSize.all.map(\.name).joined(separator: ",") + ".", target: "vmSize")
    }

    /// 400: something that a machine cannot be made without.
    static func machineNeeds(_ property: String, _ advice: String) -> APIError {
        invalidParameter("Required parameter '\(property)' is missing (null): \(advice)", target: property)
    }

    /// 400: a virtual machine takes unmanaged disks that are there.
    static func unmanagedDiskNotMade(_ target: String) -> APIError {
        invalidParameter(
            "Unmanaged disks are not made with a virtual machine any more. Import one with 'coffer unmanaged-disk import' and name it as 'vhd.uri' with "
                + "the createOption Attach, or leave 'vhd' out for a managed disk.", target: "\(target).vhd")
    }

    static func unmanagedDiskURLNotValid(_ uri: String, _ target: String) -> APIError {
        invalidParameter(
            "'\(uri.prefix(300))' is not the URL of an unmanaged disk of this installation. 'coffer unmanaged-disk list' shows them.",
            target: "\(target).vhd.uri")
    }

    /// 409: another machine has it, or it is attached by hand.
    static func diskInUse(_ disk: DiskRecord) -> APIError {
        let owner = disk.machine.map { "attached to the virtual machine '\($0.text)'" } ?? "attached by 'coffer disk attach'"
        return APIError(
            status: 409, code: "AttachDiskWhileBeingDetached",
            message: "The disk '\(disk.id.name)' cannot be attached because it is \(owner). Detach it there first.", target: "dataDisk.managedDisk.id")
    }

    static func diskLocationDiffers(_ disk: DiskRecord, _ location: String) -> APIError {
        invalidParameter(
            "The disk '\(disk.id.name)' is in '\(disk.location)' and the virtual machine in '\(location)'. Both must be in one region.",
            target: "managedDisk.id")
    }

    static func tooManyDataDisks(_ size: MachineSize, _ count: Int) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The maximum number of data disks allowed to be attached to a VM of size \(size.name) is \(size.dataDiskCount), and \(count) "
                + "are asked for.", target: "dataDisks")
    }

    /// 409: a property that stays what it is.
    static func machinePropertyFixed(_ property: String) -> APIError {
        APIError(
            status: 409, code: "PropertyChangeNotAllowed", message: "Changing property '\(property)' is not allowed.", target: property)
    }

    /// 409: not while it runs.
    static func machineMustBeDeallocated(_ id: ResourceID, _ property: String) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "'\(property)' of the virtual machine '\(id.name)' can be changed only while it is deallocated: az vm deallocate -g "
                + "\(id.group ?? "") -n \(id.name)", target: property)
    }

    /// 409: a size that does not take what the machine has.
    static func machineSizeDoesNotFit(_ size: MachineSize, _ why: String) -> APIError {
        APIError(status: 409, code: "OperationNotAllowed", message: "The VM size \(size.name) cannot be used: \(why)", target: "vmSize")
    }

    /// 409: its OS disk is kept when it is stopped.
    static func machineNotReimaged(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The Reimage and OSUpgrade Virtual Machine actions require that the virtual machine has Automatic OS Upgrades enabled or an "
                + "ephemeral OS disk, and '\(id.name)' has neither. Delete it and make it anew from its image.")
    }

    static func machineNotRunning(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "Cannot modify extensions or run commands in the VM when the VM is not running: az vm start -g \(id.group ?? "") -n \(id.name)")
    }

    static func machineIsFailed(_ id: ResourceID, _ reason: MachineRecord.Reason?) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The virtual machine '\(id.name)' could not be made: \(reason?.message ?? "") Delete it and make it again.")
    }

    static func imageNotFound(_ reference: String) -> APIError {
        APIError(
            status: 404, code: "PlatformImageNotFound",
            message: "The platform image '\(reference.prefix(200))' is not available. 'coffer image list' shows those that are; 'coffer image build "
                + "debian-12' makes one.", target: "imageReference")
    }

    static func imageReferenceNotValid() -> APIError {
        invalidParameter(
            "'imageReference' names an image either by 'id', of a Microsoft.Compute/images, or by 'publisher', 'offer', 'sku' and 'version'.",
            target: "imageReference")
    }

    /// What a hypervisor's failure means to the caller.
    static func machineHost(_ failure: MachineFailure, _ id: ResourceID) -> APIError {
        let message = "The virtual machine '\(id.name)': \(failure.message)."
        return switch failure.code {
        case .notInstalled: APIError(status: 409, code: "HypervisorNotInstalled", message: message)
        case .notRunning: machineNotRunning(id)
        case .guestUnavailable: APIError(status: 409, code: "VMAgentStatusCommunicationError", message: message)
        // No 5xx: clients would try again by themselves, and show what became of that in place of the reason.
        case .system: APIError(status: 409, code: "VMStartTimedOut", message: message)
        }
    }
}
