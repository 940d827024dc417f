import CofferModel
import CofferPlatform

/// `Microsoft.Network/publicIPAddresses`. "Public" is the host: each gets an address of the loopback network, at which the host reaches the
/// guest. It is allotted when the resource is made, also with the method Dynamic, and stays.
struct PublicAddressType: NetworkType {
    /// Where the addresses are taken from.
    let network: AddressPrefix

    let shape = NetworkShape(
        type: "publicIPAddresses", told: ["ipAddress", "ipConfiguration"],
        refused: ["publicIPPrefix", "natGateway", "linkedPublicIPAddress", "servicePublicIPAddress", "ddosSettings"])

    func settle(_ record: inout NetworkRecord, replacing old: NetworkRecord?, in reader: NetworkReader) throws {
        let sku = try PublicAddressSKU(of: record, replacing: old)
        let method = try record.properties.word("publicIPAllocationMethod", among: AllocationMethod.self, of: record.id) ?? .dynamic
        let version = try record.properties.word("publicIPAddressVersion", among: IPAddress.Version.self, of: record.id) ?? .v4
        _ = try record.properties.word("deleteOption", among: DeleteOption.self, of: record.id)
        // The loopback network has a single IPv6 address.
        guard version == .v4 else { throw APIError.notInThisNetwork("publicIPAddressVersion IPv6", of: record.id) }
        guard sku == .basic || method == .static else { throw APIError.standardMustBeStatic(record.id) }
        record.sku = ["name": .string(sku.rawValue), "tier": "Regional"]
        record.properties["publicIPAllocationMethod"] = .string(method.rawValue)
        record.properties["publicIPAddressVersion"] = .string(version.rawValue)
        record.properties.fill("idleTimeoutInMinutes", 4)
        guard let minutes = record.properties["idleTimeoutInMinutes"]?.int, (4...30).contains(minutes) else {
            throw APIError.requestFormat("'idleTimeoutInMinutes' is not a number from 4 to 30", of: record.id, target: "idleTimeoutInMinutes")
        }
        record.properties.fill("ipTags", [])
        try settleName(&record, reader)
        record.properties["ipAddress"] = try .string((old?.publicAddress ?? firstFree(reader)).description)
    }

    func possessions(of record: NetworkRecord) -> [NetworkClaim] {
        let address = record.publicAddress.map { NetworkClaim.owning(.publicAddress($0), by: record.id) }
        let name = record.properties["dnsSettings"]?["fqdn"]?.string.map { NetworkClaim.owning(.domainName($0), by: record.id) }
        return [address, name].compactMap { $0 }
    }

    func tell(_ properties: inout [String: JSONValue], of record: NetworkRecord, in network: NetworkReader) throws {
        if let user = try network.users(of: record.id).first { properties["ipConfiguration"] = ["id": .string(user.text)] }
    }

    func checkDeletion(of record: NetworkRecord, in network: NetworkReader) throws {
        if let user = try network.users(of: record.id).first { throw APIError.publicAddressInUse(record.id, by: user) }
    }

    /// The lowest address that nobody has. The first four are left out, as in a subnet.
    private func firstFree(_ reader: NetworkReader) throws -> IPAddress {
        let taken = try reader.keys(prefix: NetworkClaim.Thing.publicPrefix)
        guard let usable = network.usable else { throw APIError.publicAddressesUsedUp(network) }
        for bits in usable {
            let address = IPAddress(.v4, bits: bits)
            if !taken.contains(NetworkClaim.Thing.publicAddress(address).key) { return address }
        }
        throw APIError.publicAddressesUsedUp(network)
    }

    /// `LABEL.REGION.cloudapp.localhost`; resolvers that know RFC 6761 take it to this host.
    private func settleName(_ record: inout NetworkRecord, _ reader: NetworkReader) throws {
        guard var settings = record.properties["dnsSettings"]?.object else { return }
        settings["fqdn"] = nil
        guard let label = settings.text("domainNameLabel"), !label.isEmpty else {
            record.properties["dnsSettings"] = settings.isEmpty ? nil : .object(settings)
            return
        }
        let bytes = Array(label.utf8)
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
        func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard (3...63).contains(bytes.count), isLetter(bytes[0]), isAlphanumeric(bytes[bytes.count - 1]),
            bytes.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") })
        else { throw APIError.domainNameLabelInvalid(label) }
        let name = "\(label).\(record.location).cloudapp.localhost"
        if let owner = try reader.owner(of: .domainName(name)), owner != record.id { throw APIError.domainNameTaken(name) }
        settings["fqdn"] = .string(name)
        record.properties["dnsSettings"] = .object(settings)
    }
}

extension NetworkRecord {
    var publicAddress: IPAddress? { properties.text("ipAddress").flatMap { IPAddress($0) } }
}

extension APIError {
    /// 400, the code is Coffer's.
    fileprivate static func standardMustBeStatic(_ id: ResourceID) -> APIError {
        requestFormat("a public IP address of the sku Standard has the 'publicIPAllocationMethod' Static", of: id, target: "publicIPAllocationMethod")
    }
}
