import CofferCore
import CofferModel
import CofferPlatform

/// A virtual machine as Azure Resource Manager shows it.
enum MachineResource {
    /// What is shown beside the machine itself.
    struct Expansion: Sendable {
        var hasInstanceView = false
        var hasUserData = false

        /// - Parameter text: `$expand`.
        init(_ text: String?) {
            let words = (text ?? "").split(separator: ",").map { $0.lowercased() }
            hasInstanceView = words.contains("instanceview")
            hasUserData = words.contains("userdata")
        }
    }

    static func document(_ shown: ShownMachine, _ expansion: Expansion = Expansion(nil)) -> JSONValue {
        let machine = shown.record
        var properties = machine.labels
        // az sets a member of an object only where there is one.
        properties["securityProfile"] = properties["securityProfile"] ?? [:]
        properties["vmId"] = .string(machine.machine.text)
        properties["timeCreated"] = .string(machine.created.description)
        properties["provisioningState"] = .string(machine.shownPhase)
        properties["hardwareProfile"] = ["vmSize": .string(machine.size)]
        properties["storageProfile"] = storage(shown)
        properties["networkProfile"] = ["networkInterfaces": .array(machine.interfaces.map(interface))]
        properties["osProfile"] = machine.osProfile.map(osProfile)
        if expansion.hasInstanceView { properties["instanceView"] = instanceView(shown) }
        if expansion.hasUserData { properties["userData"] = machine.userData.map(JSONValue.string) }
        var document: [String: JSONValue] = [
            "id": .string(machine.id.text), "name": .string(machine.id.name), "type": "Microsoft.Compute/virtualMachines",
            "location": .string(machine.location), "tags": .object(machine.tags.mapValues(JSONValue.string)),
            "properties": .object(properties), "resources": [],
        ]
        if let identities = machine.identities, !identities.isEmpty { document["identity"] = try? JSONValue(encoding: IdentityResource(identities)) }
        if let zones = machine.zones { document["zones"] = .array(zones.map(JSONValue.string)) }
        return .object(document)
    }

    /// `properties.instanceView`: what is, rather than what is wanted.
    static func instanceView(_ shown: ShownMachine) -> JSONValue {
        let machine = shown.record
        var statuses: [JSONValue] = [
            status("ProvisioningState/\(machine.shownPhase.lowercased())", "Provisioning \(machine.shownPhase.lowercased())", at: machine.created)
        ]
        let power = shown.isRunning ? MachineRecord.Power.running : machine.power == .running ? .stopped : machine.power
        statuses.append(status("PowerState/\(power.rawValue)", "VM \(power.rawValue)"))
        // Not one of Azure's: how fast a guest is depends on it.
        if let acceleration = shown.acceleration {
            statuses.append(status(
                "HypervisorState/\(acceleration.kind.rawValue)", acceleration.sentence, level: acceleration.kind == .kvm ? "Info" : "Warning",
                message: acceleration.reason))
        }
        if let reason = machine.reason {
            statuses.append(status(
                "ProvisioningState/failed/\(reason.code)", "Provisioning failed", at: reason.since, level: "Error", message: reason.message))
        }
        let disks = zip(machine.disks, shown.disks).map { disk, record -> JSONValue in
            var states = [status("ProvisioningState/succeeded", "Provisioning succeeded", at: record?.created ?? machine.created)]
            if let reason = record?.reason {
                states.append(status("DiskState/suspended", "The disk is not served", level: "Error", message: reason))
            }
            return ["name": .string(disk.disk.name), "statuses": .array(states)]
        }
        var view: [String: JSONValue] = [
            "statuses": .array(statuses), "disks": .array(disks), "hyperVGeneration": .string(machine.generation),
        ]
        view["computerName"] = machine.osProfile?["computerName"]
        view["bootDiagnostics"] = [:]
        return .object(view)
    }

    private static func status(
        _ code: String, _ display: String, at time: Timestamp? = nil, level: String = "Info", message: String? = nil
    ) -> JSONValue {
        var status: [String: JSONValue] = ["code": .string(code), "level": .string(level), "displayStatus": .string(display)]
        if let time { status["time"] = .string(time.description) }
        if let message { status["message"] = .string(message) }
        return .object(status)
    }

    private static func storage(_ shown: ShownMachine) -> JSONValue {
        let machine = shown.record
        let records = Dictionary(zip(machine.disks.map(\.disk), shown.disks).compactMap { id, record in record.map { (id, $0) } }) { first, _ in first }
        var profile: [String: JSONValue] = [
            "osDisk": disk(machine.osDisk, records[machine.osDisk.disk]),
            "dataDisks": .array(machine.dataDisks.map { disk($0, records[$0.disk]) }),
            "diskControllerType": "SCSI",
        ]
        profile["imageReference"] = machine.image
        return .object(profile)
    }

    private static func disk(_ disk: MachineRecord.Disk, _ record: DiskRecord?) -> JSONValue {
        var managed: [String: JSONValue] = ["id": .string(disk.disk.text)]
        managed["storageAccountType"] = record.map { .string($0.sku.rawValue) }
        managed["diskEncryptionSet"] = record?.set.map { ["id": .string($0.text)] }
        var document: [String: JSONValue] = [
            "name": .string(disk.disk.name), "createOption": .string(disk.createOption), "caching": .string(disk.caching),
            "deleteOption": .string(disk.deletesWithMachine ? "Delete" : "Detach"),
        ]
        if let ephemeral = disk.ephemeral {
            document["diffDiskSettings"] = ["option": "Local", "placement": .string(ephemeral.placement.rawValue)]
            document["diskSizeGB"] = .int(Int64(clamping: DiskSize.gibibytes(of: ephemeral.byteCount)))
            managed = ["storageAccountType": "Standard_LRS"]
        }
        if let uri = disk.vhd { document["vhd"] = ["uri": .string(uri)] } else { document["managedDisk"] = .object(managed) }
        document["lun"] = disk.lun.map { .int(Int64($0)) }
        document["osType"] = disk.osType.map(JSONValue.string)
        document["writeAcceleratorEnabled"] = disk.writeAcceleratorEnabled.map(JSONValue.bool)
        if let record { document["diskSizeGB"] = .int(Int64(clamping: DiskSize.gibibytes(of: record.byteCount))) }
        if disk.lun != nil { document["toBeDetached"] = false }
        return .object(document)
    }

    private static func interface(_ interface: MachineRecord.Interface) -> JSONValue {
        var properties: [String: JSONValue] = ["deleteOption": .string(interface.deletesWithMachine ? "Delete" : "Detach")]
        properties["primary"] = interface.isPrimary.map(JSONValue.bool)
        return ["id": .string(interface.id.text), "properties": .object(properties)]
    }

    /// With what Azure adds to it.
    private static func osProfile(_ profile: JSONValue) -> JSONValue {
        var members = profile.object ?? [:]
        members["secrets"] = members["secrets"] ?? []
        members["allowExtensionOperations"] = members["allowExtensionOperations"] ?? true
        members["requireGuestProvisionSignal"] = true
        return .object(members)
    }
}

extension MachineRecord {
    /// As `provisioningState` has it.
    var shownPhase: String {
        switch phase {
        case .creating: "Creating"
        case .succeeded: "Succeeded"
        case .deleting: "Deleting"
        case .failed: "Failed"
        }
    }
}
