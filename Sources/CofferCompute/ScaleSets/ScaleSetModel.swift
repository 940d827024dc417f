import CofferModel

/// What the instances of a scale set are made of: their size and `virtualMachineProfile`.
struct ScaleSetModel: Codable, Equatable, Sendable {
    var size: String
    /// As it is shown, with names as Azure spells them.
    var profile: JSONValue

    /// What is asked for over what there is: objects are merged, everything else is replaced, and null says nothing.
    ///
    /// A PUT is read so too, as `az vmss scale` sends a body with a capacity alone.
    static func merged(_ old: JSONValue, _ new: JSONValue) -> JSONValue {
        switch (old, new) {
        case (_, .null): old
        case (.object(let old), .object(let new)): .object(old.merging(new) { merged($0, $1) })
        default: new
        }
    }

    /// A profile as it is kept: `az` sends some of its names and values in another form than the one it reads.
    static func canonical(_ profile: JSONValue) -> JSONValue {
        guard var members = profile.object else { return profile }
        // Told, and sent back by clients.
        members["timeCreated"] = nil
        if var system = members["osProfile"]?.object {
            // The model is kept as it is and shown.
            for name in ["adminPassword", "customData"] { system[name] = nil }
            members["osProfile"] = .object(system)
        }
        guard var network = members["networkProfile"]?.object, let configurations = network["networkInterfaceConfigurations"]?.array else {
            return .object(members)
        }
        network["networkInterfaceConfigurations"] = .array(configurations.map(interface))
        members["networkProfile"] = .object(network)
        return .object(members)
    }

    private static func interface(_ value: JSONValue) -> JSONValue {
        guard var members = value.object, var properties = members["properties"]?.object else { return value }
        if let text = properties["primary"]?.string { properties["primary"] = .bool(text.lowercased() == "true") }
        properties["ipConfigurations"] = properties["ipConfigurations"]?.array.map { .array($0.map(addressConfiguration)) }
        members["properties"] = .object(properties)
        return .object(members)
    }

    private static func addressConfiguration(_ value: JSONValue) -> JSONValue {
        guard var members = value.object, var properties = members["properties"]?.object else { return value }
        if let name = properties.keys.first(where: { $0.lowercased() == "publicipaddressconfiguration" }), let address = properties.removeValue(forKey: name) {
            properties["publicIPAddressConfiguration"] = address
        }
        members["properties"] = .object(properties)
        return .object(members)
    }

    /// The part that an instance keeps until its OS disk, or it itself, is made anew.
    var fixed: JSONValue {
        let storage = profile["storageProfile"]
        let disks = (storage?["dataDisks"]?.array ?? []).map { disk in
            (String(disk["lun"]?.int ?? -1), disk["managedDisk"] ?? .null)
        }
        return [
            Self.osDisk: ["image": storage?["imageReference"] ?? .null, "managedDisk": storage?["osDisk"]?["managedDisk"] ?? .null,
                          "size": storage?["osDisk"]?["diskSizeGB"] ?? .null],
            Self.dataDisks: .object(Dictionary(disks, uniquingKeysWith: { first, _ in first })),
            "encryptionAtHost": profile["securityProfile"]?["encryptionAtHost"] ?? false,
            "network": profile["networkProfile"]?["networkInterfaceConfigurations"] ?? .null,
        ]
    }

    private static let osDisk = "osDisk"
    private static let dataDisks = "dataDisks"

    /// What of ``fixed`` an instance has after its update, whose disks that it had before stay as they are.
    func fixed(updating old: JSONValue) -> JSONValue {
        var members = old.object ?? [:]
        let now = fixed[Self.dataDisks]?.object ?? [:]
        members[Self.dataDisks] = .object(now.merging((old[Self.dataDisks]?.object ?? [:]).filter { now[$0.key] != nil }) { $1 })
        return .object(members)
    }

    /// The same after its OS disk was made anew.
    func fixed(reimaging old: JSONValue) -> JSONValue {
        var members = old.object ?? [:]
        members[Self.osDisk] = fixed[Self.osDisk]
        return .object(members)
    }

    /// What one instance is to be, as if it were asked for as a virtual machine.
    ///
    /// - Parameter isUpdate: Whether the instance is there: what stays as it was made is left out.
    /// - Throws: ``APIError`` for what no machine can be.
    func specification(number: Int, of set: ScaleSetRecord, isUpdate: Bool = false) throws -> MachineSpecification {
        var properties = profile.object ?? [:]
        properties["hardwareProfile"] = ["vmSize": .string(size)]
        var storage = properties["storageProfile"]?.object ?? [:]
        storage["osDisk"] = storage["osDisk"].map(Self.owned)
        storage["dataDisks"] = try .array((storage["dataDisks"]?.array ?? []).map { disk in
            guard disk["createOption"]?.string?.lowercased() != "attach" else { throw APIError.scaleSetAttaches }
            return Self.owned(disk)
        })
        if var os = properties["osProfile"]?.object {
            os["computerName"] = .string((os.removeValue(forKey: "computerNamePrefix")?.string ?? set.id.name) + Self.suffix(number))
            properties["osProfile"] = .object(os)
        }
        if isUpdate {
            storage["imageReference"] = nil
            properties["securityProfile"] = nil
            properties["networkProfile"] = nil
        }
        properties["storageProfile"] = .object(storage)
        let whole: JSONValue = [
            "location": .string(set.location), "tags": .object(set.tags.mapValues(JSONValue.string)), "properties": .object(properties),
        ]
        do {
            return try MachineSpecification(JSON.decode(MachineBody.self, from: JSON.encode(whole)), whole: whole)
        } catch is DecodingError {
            throw APIError.invalidRequestContent("a member of 'virtualMachineProfile' has another type than a virtual machine's")
        }
    }

    /// A disk of the profile as one machine's: with a name of its own, and deleted with it.
    private static func owned(_ disk: JSONValue) -> JSONValue {
        var members = disk.object ?? [:]
        members["name"] = nil
        members["deleteOption"] = "Delete"
        return .object(members)
    }

    /// Six digits to the base 36, as Azure appends them to the prefix of computer names.
    static func suffix(_ number: Int) -> String {
        let digits = String(number, radix: 36, uppercase: true)
        return String(repeating: "0", count: max(0, 6 - digits.count)) + digits
    }
}
