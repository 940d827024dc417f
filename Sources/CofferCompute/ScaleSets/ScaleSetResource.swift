import CofferCore
import CofferModel

/// Scale sets and their instances as Azure Resource Manager shows them.
enum ScaleSetResource {
    static let instanceType = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines"

    static func document(_ set: ScaleSetRecord, hasUserData: Bool = false) -> JSONValue {
        var properties = set.labels
        var profile = set.model.profile.object ?? [:]
        if !hasUserData { profile["userData"] = nil }
        profile["timeCreated"] = .string(set.created.description)
        properties["virtualMachineProfile"] = .object(profile)
        properties["orchestrationMode"] = "Uniform"
        properties["upgradePolicy"] = ["mode": .string(set.upgrade.rawValue)]
        properties["provisioningState"] = .string(set.shownPhase)
        properties["uniqueId"] = .string(set.unique.text)
        properties["timeCreated"] = .string(set.created.description)
        // Not one of Azure's, which says it in the operation alone; deployments look here.
        properties["error"] = set.reason.map { ["code": .string($0.code), "message": .string($0.message)] }
        var document: [String: JSONValue] = [
            "id": .string(set.id.text), "name": .string(set.id.name), "type": "Microsoft.Compute/virtualMachineScaleSets",
            "location": .string(set.location), "tags": .object(set.tags.mapValues(JSONValue.string)),
            "sku": ["name": .string(set.model.size), "tier": "Standard", "capacity": .int(Int64(set.capacity))], "properties": .object(properties),
        ]
        document["identity"] = identity(set)
        document["zones"] = set.zones.map { .array($0.map(JSONValue.string)) }
        return .object(document)
    }

    /// How many instances are in which state, and what became of the set's last change.
    static func instanceView(_ set: ScaleSetRecord, _ instances: [ShownMachine]) -> JSONValue {
        let codes = instances.flatMap { shown in
            (MachineResource.instanceView(shown)["statuses"]?.array ?? []).compactMap { $0["code"]?.string }
        }
        let counts = Dictionary(codes.map { ($0, 1) }, uniquingKeysWith: +).sorted { $0.key < $1.key }
        let word = set.shownPhase.lowercased()
        var status: [String: JSONValue] = [
            "code": .string("ProvisioningState/\(word)"), "level": set.reason == nil ? "Info" : "Error",
            "displayStatus": .string("Provisioning \(word)"), "time": .string((set.reason?.since ?? set.created).description),
        ]
        if let reason = set.reason {
            status["code"] = .string("ProvisioningState/failed/\(reason.code)")
            status["message"] = .string(reason.message)
        }
        return [
            "virtualMachine": ["statusesSummary": .array(counts.map { ["code": .string($0.key), "count": .int(Int64($0.value))] })],
            "statuses": [.object(status)], "extensions": [], "orchestrationServices": [],
        ]
    }

    static func instance(_ shown: ShownMachine, of set: ScaleSetRecord, _ expansion: MachineResource.Expansion) -> JSONValue {
        let machine = shown.record
        var document = MachineResource.document(shown, expansion).object ?? [:]
        var properties = document["properties"]?.object ?? [:]
        properties["latestModelApplied"] = .bool(machine.instance?.version == set.version)
        properties["modelDefinitionApplied"] = "VirtualMachineScaleSet"
        properties["networkProfileConfiguration"] = ["networkInterfaceConfigurations": machine.instance?.fixed["network"] ?? []]
        properties["protectionPolicy"] = machine.instance?.isProtectedFromScaleIn.map { ["protectFromScaleIn": .bool($0)] }
        document["properties"] = .object(properties)
        document["type"] = .string(instanceType)
        document["name"] = .string(machine.name)
        document["instanceId"] = .string(machine.id.name)
        document["sku"] = ["name": .string(machine.size), "tier": "Standard"]
        document["identity"] = nil
        return .object(document)
    }

    /// The sizes that the instances can have.
    static func sizes() -> [JSONValue] {
        MachineSize.all.map { size in
            [
                "resourceType": "Microsoft.Compute/virtualMachineScaleSets", "sku": ["name": .string(size.name), "tier": "Standard"],
                "capacity": [
                    "minimum": 0, "maximum": .int(Int64(ScaleSetSpecification.most)), "defaultCapacity": 1, "scaleType": "Automatic",
                ],
            ]
        }
    }

    private static func identity(_ set: ScaleSetRecord) -> JSONValue? {
        guard let identities = set.identities, !identities.isEmpty else { return nil }
        return try? JSONValue(encoding: IdentityResource(identities))
    }
}

extension ScaleSetRecord {
    /// As `provisioningState` has it.
    var shownPhase: String {
        switch phase {
        case .creating: "Creating"
        case .updating: "Updating"
        case .succeeded: "Succeeded"
        case .deleting: "Deleting"
        case .failed: "Failed"
        }
    }
}
