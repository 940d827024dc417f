import CofferModel

extension APIError {
    static func scaleSetTooLarge(_ capacity: Int) -> APIError {
        invalidParameter(
            "The capacity \(capacity) is not 0 to \(ScaleSetSpecification.most): the instances of a scale set all run on this machine. Make it smaller.",
            target: "sku.capacity")
    }

    /// 400: what `az vmss create` asks for unless it is told otherwise.
    static let scaleSetFlexible = APIError(
        status: 400, code: "NotSupported",
        message: "Scale sets are orchestrated uniformly here, not flexibly. Say it: az vmss create --orchestration-mode Uniform",
        target: "orchestrationMode")

    static func scaleSetUpgradeMode(_ word: String) -> APIError {
        APIError(
            status: 400, code: "NotSupported",
            message: "The upgrade mode '\(word.prefix(60))' is not supported. There are Manual, where instances keep the model that they were made with "
                + "until they are updated (az vmss update-instances), and Automatic, where they are updated at once.", target: "upgradePolicy.mode")
    }

    /// 400: every instance would need the same disk.
    static let scaleSetAttaches = invalidParameter(
        "A scale set's disks are made with its instances; 'createOption' is FromImage or Empty.", target: "dataDisks.createOption")

    /// 409: something is being done to it.
    static func scaleSetIsChanging(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The scale set '\(id.name)' is being changed by another request. Wait until its provisioningState is Succeeded or Failed: "
                + "az vmss wait -g \(id.group ?? "") -n \(id.name) --updated")
    }

    static func scaleSetInterrupted() -> APIError {
        APIError(
            status: 409, code: "OperationPreempted",
            message: "The change of the scale set was interrupted by a restart of the server. Repeat it, with az vmss scale or az vmss update: instances "
                + "that are not whole are made anew.")
    }

    /// 404: one of the instances that a request names.
    static func scaleSetInstanceNotFound(_ number: String, of set: ResourceID) -> APIError {
        APIError(
            status: 404, code: "InvalidInstanceId",
            message: "The scale set '\(set.name)' has no instance '\(number.prefix(60))': az vmss list-instances -g \(set.group ?? "") -n \(set.name)",
            target: "instanceIds")
    }
}
