import CofferModel

extension AddressPrefix {
    /// What no virtual network can have: the host itself, multicast and broadcast, addresses of a link, and Azure's own services.
    static let notForNetworks = ["127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "169.254.0.0/16", "168.63.129.16/32"].compactMap { AddressPrefix($0) }

    /// A prefix as a virtual network or a subnet has it.
    ///
    /// - Throws: ``APIError`` if it is none, or has bits behind its length.
    static func checked(_ text: String, of id: ResourceID) throws -> AddressPrefix {
        guard let prefix = AddressPrefix(text) else { throw APIError.prefixInvalid(text, of: id) }
        guard prefix == prefix.canonical else { throw APIError.prefixNotCanonical(prefix, of: id) }
        return prefix
    }
}

// Codes and sentences are those that Azure answers with where they are known; a comment says where the code is Coffer's own choice.
extension APIError {
    private static func address(_ code: String, _ message: String, target: String? = nil) -> APIError {
        APIError(status: 400, code: code, message: message, target: target)
    }

    static func prefixInvalid(_ text: String, of id: ResourceID) -> APIError {
        address(
            "InvalidAddressPrefixFormat",
            "Address prefix \(text.prefix(100)) of resource \(id.text) is not formatted correctly. It should follow CIDR notation, for example 10.0.0.0/24.")
    }

    static func prefixNotCanonical(_ prefix: AddressPrefix, of id: ResourceID) -> APIError {
        address(
            "InvalidCIDRNotation",
            "The address prefix \(prefix) in resource \(id.text) has an invalid CIDR notation. For the given prefix length, the address prefix "
                + "should be \(prefix.canonical).")
    }

    /// The code is Coffer's.
    static func prefixReserved(_ prefix: AddressPrefix, _ reserved: AddressPrefix, of id: ResourceID) -> APIError {
        address(
            "NetcfgInvalidIPAddressPrefix",
            "The address prefix \(prefix) of virtual network \(id.name) overlaps \(reserved), which no virtual network can have.")
    }

    /// The code is Coffer's.
    static func prefixesOverlap(_ prefix: AddressPrefix, _ other: AddressPrefix, of id: ResourceID) -> APIError {
        address("NetcfgAddressPrefixesOverlap", "The address prefixes \(other) and \(prefix) of virtual network \(id.name) overlap.")
    }

    static func subnetOutside(_ id: ResourceID, of network: ResourceID) -> APIError {
        address(
            "NetcfgInvalidSubnet",
            "Subnet '\(id.name)' is not valid because its IP address range is outside the IP address range of virtual network '\(network.name)'.")
    }

    static func subnetSizeInvalid(_ id: ResourceID, _ prefix: AddressPrefix) -> APIError {
        address(
            "NetcfgInvalidSubnet",
            "Subnet '\(id.name)' is not valid in virtual network '\(id.segments.first?.name ?? "")': \(prefix) should be "
                + (prefix.version == .v4 ? "/29 or larger." : "a /64."))
    }

    static func subnetsOverlap(_ id: ResourceID, of network: ResourceID) -> APIError {
        address(
            "NetcfgSubnetRangesOverlap",
            "Subnet '\(id.name)' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '\(network.name)'.")
    }

    static func subnetFull(_ id: ResourceID, _ prefixes: [AddressPrefix]) -> APIError {
        address(
            "SubnetIsFull",
            "Subnet \(id.name) with address prefix \(prefixes.map(\.description).joined(separator: ",")) does not have enough capacity for 1 IP addresses.")
    }

    static func privateAddressInvalid(_ text: String, of id: ResourceID) -> APIError {
        address("InvalidIPAddressFormat", "IP address \(text.prefix(60)) of \(id.text) is not formatted correctly.", target: "privateIPAddress")
    }

    static func privateAddressOutside(_ text: IPAddress, _ prefixes: [AddressPrefix], of id: ResourceID) -> APIError {
        address(
            "PrivateIPAddressNotInSubnet",
            "Private static IP address \(text) of \(id.text) does not belong to the range of subnet prefix "
                + "\(prefixes.map(\.description).joined(separator: ",")).",
            target: "privateIPAddress")
    }

    static func privateAddressReserved(_ text: IPAddress, _ prefix: AddressPrefix, of id: ResourceID) -> APIError {
        address(
            "PrivateIPAddressInReservedRange",
            "Private static IP address \(text) of \(id.text) falls within the reserved addresses of subnet prefix \(prefix): its first four and its last.",
            target: "privateIPAddress")
    }

    static func privateAddressTaken(_ text: IPAddress, by user: ResourceID?, of id: ResourceID) -> APIError {
        address(
            "PrivateIPAddressIsAllocated",
            "IP configuration \(id.text) is using the private IP address \(text) which is already allocated to resource \(user?.text ?? "of the same request").",
            target: "privateIPAddress")
    }

    /// The code is Coffer's.
    static func publicAddressesUsedUp(_ network: AddressPrefix) -> APIError {
        APIError(
            status: 409, code: "PublicIPCountLimitReached",
            message: "All addresses of \(network), from which public IP addresses are taken here, are in use. Delete those that are not needed.")
    }

    static func domainNameLabelInvalid(_ label: String) -> APIError {
        address(
            "InvalidDomainNameLabel",
            "The domain name label \(label.prefix(80)) is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{1,61}[a-z0-9]$.",
            target: "domainNameLabel")
    }

    static func domainNameTaken(_ name: String) -> APIError {
        address("DnsRecordInUse", "DNS record \(name) is already used by another public IP.", target: "domainNameLabel")
    }
}
