import CofferModel
import CofferPlatform

/// The network interfaces of virtual machines.
struct MachineInterfaces: NetworkInterfaces {
    let store: any Store
    let service: NetworkService
    let interfaces: NetworkInterfaceType
    let addresses: PublicAddressType
    /// Forgets what was said elsewhere of a resource that was deleted.
    let onDeleted: @Sendable (ResourceID) async throws -> Void

    func plan(of interface: ResourceID) async throws -> NetworkInterfacePlan {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try plan(of: network.existing(interface), network)
        }
    }

    func attach(_ interfaces: [ResourceID], to machine: ResourceID, in location: String) async throws {
        try await store.write { transaction in
            let network = NetworkReader(transaction: transaction)
            for (index, id) in interfaces.enumerated() {
                guard var record = try network.record(id), record.location == Location.canonical(location),
                    id.subscription?.lowercased() == machine.subscription?.lowercased()
                else { throw APIError.referenceNotFound(id, of: machine) }
                if let other = record.machine, other != machine { throw APIError.interfaceInUse(id, by: other) }
                guard record.machine == nil || record.isPrimary != (index == 0) else { continue }
                let old = record
                record.machine = machine
                record.isPrimary = index == 0
                try transaction.write(&record, replacing: old, of: self.interfaces)
            }
        }
    }

    func detach(allOf machine: ResourceID, keeping kept: [ResourceID]) async throws {
        try await store.write { transaction in
            let network = NetworkReader(transaction: transaction)
            for id in try network.users(of: machine) where !kept.contains(id) {
                guard var record = try network.record(id) else { continue }
                let old = record
                record.machine = nil
                record.isPrimary = nil
                try transaction.write(&record, replacing: old, of: interfaces)
            }
        }
    }

    func remove(_ interface: ResourceID) async throws {
        let gone = try await store.write { transaction in
            let network = NetworkReader(transaction: transaction)
            // Also if it is gone already: what ended before this may have ended before the rest.
            var gone = [interface]
            guard let record = try network.record(interface) else { return gone }
            try transaction.remove(record, of: interfaces)
            for configuration in record.configurations {
                guard let id = configuration.publicAddress, let address = try network.record(id) else { continue }
                let option = configuration.deleteOption ?? address.properties.text("deleteOption").flatMap(DeleteOption.init(rawValue:))
                guard option == .delete else { continue }
                try transaction.remove(address, of: addresses)
                gone.append(id)
            }
            return gone
        }
        for id in gone { try await onDeleted(id) }
    }

    func planned(_ configurations: [JSONValue], for machine: ResourceID) throws -> [PlannedInterface] {
        try configurations.map { try InterfaceConfiguration($0, of: machine).planned }
    }

    func make(_ interface: PlannedInterface, in location: String, by grant: Grant) async throws {
        let configuration = try InterfaceConfiguration(interface)
        var made: [NetworkRecord] = []
        do {
            for address in configuration.addresses {
                try await put(address.id, address.body(in: location), of: addresses, by: grant)
                if let record = try await store.read({ try NetworkReader(transaction: $0).record(address.id) }) { made.append(record) }
            }
            try await put(interface.id, configuration.body(in: location), of: interfaces, by: grant)
        } catch {
            try await store.write { [made] transaction in
                for record in made { try transaction.remove(record, of: addresses) }
            }
            throw error
        }
    }

    func documents(of part: InterfacePart, below owner: ResourceID) async throws -> [JSONValue] {
        let type: any NetworkType = part == .interfaces ? interfaces : addresses
        return try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try transaction.values(NetworkRecord.self, in: NetworkRecord.collection, prefix: owner.key + "/")
                .filter { $0.id.segments.last?.type.lowercased() == type.name.lowercased() }
                .map { try NetworkDocument($0, of: type, in: network).body }
        }
    }

    private func put(_ id: ResourceID, _ body: JSONValue, of type: any NetworkType, by grant: Grant) async throws {
        guard try await store.read({ try NetworkReader(transaction: $0).record(id) }) == nil else { throw APIError.networkChangedMeanwhile(id) }
        _ = try await service.put(id, of: type, as: NetworkDraft(body, of: id, shape: type.shape), if: .none, by: grant)
    }

    private func plan(of record: NetworkRecord, _ network: NetworkReader) throws -> NetworkInterfacePlan {
        guard let configuration = record.configurations.first(where: \.isPrimary), let address = configuration.address,
            let macAddress = record.properties.text("macAddress")
        else { throw APIError.resourceNotFound(record.id) }
        guard let virtualNetwork = configuration.subnet.topLevel, let space = try network.record(virtualNetwork)?.addressSpace,
            let subnet = try network.subnet(configuration.subnet), let prefix = Subnet.prefixes(of: subnet.properties).first(where: { $0.contains(address) }) else {
            throw APIError.referenceNotFound(configuration.subnet, of: record.id)
        }
        var publicAddress: NetworkRecord?
        if let id = configuration.publicAddress {
            publicAddress = try network.record(id)
            guard publicAddress != nil else { throw APIError.referenceNotFound(id, of: record.id) }
        }
        let sku = publicAddress.flatMap { PublicAddressSKU(stored: $0) }
        let groups = try network.groups(of: record, configuration)
        let endings = try SecurityRule.endings(of: record.id)
        let ports = network.openPorts(groups, configuration, isOpenWithoutGroup: sku == .basic)
        return NetworkInterfacePlan(
            id: record.id, macAddress: macAddress.lowercased().replacing("-", with: ":"), privateAddress: address.description,
            subnet: prefix.canonical.description, virtualNetwork: virtualNetwork, addressSpace: space.map(\.canonical.description),
            publicAddress: publicAddress?.publicAddress?.description, openPorts: publicAddress == nil ? [] : ports.list,
            filter: InterfaceFilter(groups: groups.map { $0 + endings }, virtualNetwork: space))
    }
}

extension NetworkReader {
    /// The ports of an interface that its security groups, and those of its subnet, let the host in at.
    ///
    /// - Throws: ``APIError`` if one of them is gone.
    func openPorts(of interface: NetworkRecord, _ configuration: IPConfiguration, isOpenWithoutGroup: Bool) throws -> OpenPorts {
        openPorts(try groups(of: interface, configuration), configuration, isOpenWithoutGroup: isOpenWithoutGroup)
    }

    fileprivate func openPorts(_ groups: [[SecurityRule]], _ configuration: IPConfiguration, isOpenWithoutGroup: Bool) -> OpenPorts {
        OpenPorts(
            groups: groups, privateAddress: configuration.address ?? IPAddress(0, 0, 0, 0), isOpenWithoutGroup: isOpenWithoutGroup)
    }

    /// The rules of the groups in the way of an interface, its own and its subnet's, without those that every group ends with.
    fileprivate func groups(of interface: NetworkRecord, _ configuration: IPConfiguration) throws -> [[SecurityRule]] {
        try [interface.properties, subnet(configuration.subnet)?.properties ?? [:]].compactMap { properties in
            try rules(of: properties.link(.securityGroup, of: interface.id), usedBy: interface.id)
        }
    }

    fileprivate func subnet(_ id: ResourceID) throws -> NetworkChild? {
        try id.topLevel.flatMap { try record($0) }?.children(VirtualNetworkType.subnets).first(named: id.name)
    }

    /// The rules of a security group; nil if none is named.
    private func rules(of id: ResourceID?, usedBy interface: ResourceID) throws -> [SecurityRule]? {
        guard let id else { return nil }
        guard let group = try record(id) else { throw APIError.referenceNotFound(id, of: interface) }
        return try group.children(SecurityGroupType.rules).map { try SecurityRule(stored: $0, of: id) }
    }
}

extension NetworkRecord {
    /// Of a virtual network.
    fileprivate var addressSpace: [AddressPrefix] {
        (properties["addressSpace"]?["addressPrefixes"]?.array ?? []).compactMap { $0.string.flatMap { AddressPrefix($0) } }
    }

    /// Of a network interface.
    var configurations: [IPConfiguration] {
        children(NetworkInterfaceType.configurations).compactMap { IPConfiguration(stored: $0) }
    }
}
