import CofferModel

/// The body of a PUT or PATCH of a scale set.
struct ScaleSetBody: Decodable {
    struct SKU: Decodable {
        let name: String?
        let capacity: Int?
    }

    let location: String?
    let tags: [String: String]?
    let zones: [String]?
    let sku: SKU?
    let identity: IdentityBody?
    let properties: JSONValue?
}

/// What a PUT or PATCH asks of a scale set; nil where nothing was said.
struct ScaleSetSpecification: Sendable {
    /// The most instances that a set can have: all of them run on this machine.
    static let most = 20

    let location: String?
    let tags: [String: String]?
    let zones: [String]?
    let size: MachineSize?
    let capacity: Int?
    let identity: IdentityWish?
    let upgrade: ScaleSetRecord.Upgrade?
    /// How administrators get into the instances, with what is secret.
    let administrator: AdministratorAccess?
    /// `virtualMachineProfile` without what is secret.
    let profile: JSONValue?
    /// Of the profile. None is served.
    let extensions: [JSONValue]
    let labels: [String: JSONValue]

    /// Properties that are kept and shown and change nothing.
    private static let labelNames = [
        "additionalCapabilities", "automaticRepairsPolicy", "constrainedMaximumCapacity", "doNotRunExtensionsOnOverprovisionedVMs", "overprovision",
        "platformFaultDomainCount", "proximityPlacementGroup", "resiliencyPolicy", "scaleInPolicy", "scheduledEventsPolicy", "singlePlacementGroup",
        "spotRestorePolicy", "zoneBalance",
    ]

    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: ScaleSetBody) throws {
        let properties = body.properties
        location = body.location.map(Location.canonical)
        tags = try body.tags.map(Tags.checked)
        zones = body.zones
        size = try body.sku?.name.map { name in
            guard let size = MachineSize.named(name) else { throw APIError.machineSizeUnknown(name) }
            return size
        }
        capacity = body.sku?.capacity
        if let capacity, !(0...Self.most).contains(capacity) { throw APIError.scaleSetTooLarge(capacity) }
        identity = try body.identity.map { body in
            try IdentityWish(body) { given, why in
                APIError.invalidParameter("The identity '\(given)' cannot be used: \(why).", target: "identity")
            }
        }
        if let mode = properties?["orchestrationMode"]?.string, mode.lowercased() != "uniform" { throw APIError.scaleSetFlexible }
        upgrade = try properties?["upgradePolicy"]?["mode"]?.string.map { word in
            guard let mode = ScaleSetRecord.Upgrade.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else {
                throw APIError.scaleSetUpgradeMode(word)
            }
            return mode
        }
        administrator = try properties?["virtualMachineProfile"]?["osProfile"].map(AdministratorAccess.init)
        profile = properties?["virtualMachineProfile"].map(ScaleSetModel.canonical)
        extensions = profile?["extensionProfile"]?["extensions"]?.array ?? []
        if let probe = profile?["networkProfile"]?["healthProbe"], probe != .null {
            throw APIError.notServedYet("Health probes, which are load balancers', are", target: "networkProfile.healthProbe")
        }
        labels = Dictionary(Self.labelNames.compactMap { name in properties?[name].map { (name, $0) } }, uniquingKeysWith: { first, _ in first })
    }
}
