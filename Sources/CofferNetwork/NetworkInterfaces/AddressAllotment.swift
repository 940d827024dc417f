import CofferModel
import CofferPlatform

/// Gives the configurations of one network interface their private addresses. Those that were asked for come first; then configurations keep
/// what they have, and the rest get the lowest address of their subnet that nobody in the virtual network has.
struct AddressAllotment {
    private let interface: ResourceID
    private let virtualNetwork: ResourceID
    private let subnets: NetworkRecord?
    private let before: [IPConfiguration]
    private let network: NetworkReader

    init(of interface: ResourceID, in virtualNetwork: ResourceID, replacing old: NetworkRecord?, _ network: NetworkReader) throws {
        self.interface = interface
        self.virtualNetwork = virtualNetwork
        subnets = try network.record(virtualNetwork)
        before = old?.configurations ?? []
        self.network = network
    }

    /// - Throws: ``APIError`` if an address that is asked for is not to be had, or a subnet has none left.
    func allot(_ configurations: inout [IPConfiguration]) throws {
        var given: Set<IPAddress> = []
        for configuration in configurations {
            guard let address = configuration.address else { continue }
            try check(address, configuration)
            guard given.insert(address).inserted else { throw APIError.privateAddressTaken(address, by: nil, of: id(configuration)) }
        }
        for index in configurations.indices where configurations[index].address == nil {
            guard let kept = kept(configurations[index]), given.insert(kept).inserted else { continue }
            configurations[index].address = kept
        }
        guard configurations.contains(where: { $0.address == nil }) else { return }
        let own = Set(before.compactMap(\.address).map(key))
        let taken = try network.keys(prefix: NetworkClaim.Thing.privatePrefix(of: virtualNetwork)).subtracting(own)
        for index in configurations.indices where configurations[index].address == nil {
            let address = try firstFree(configurations[index]) { taken.contains(key($0)) || given.contains($0) }
            given.insert(address)
            configurations[index].address = address
        }
    }

    private func check(_ address: IPAddress, _ configuration: IPConfiguration) throws {
        let prefixes = prefixes(configuration)
        guard let prefix = prefixes.first(where: { $0.contains(address) }) else { throw APIError.privateAddressOutside(address, prefixes, of: id(configuration)) }
        guard prefix.usable?.contains(address.bits) ?? false else { throw APIError.privateAddressReserved(address, prefix, of: id(configuration)) }
        if let owner = try network.owner(of: .privateAddress(address, network: virtualNetwork)), !interface.contains(owner) {
            throw APIError.privateAddressTaken(address, by: owner, of: id(configuration))
        }
    }

    /// What a configuration had before, if it is still one of its subnet's.
    private func kept(_ configuration: IPConfiguration) -> IPAddress? {
        let old = before.first { $0.name.lowercased() == configuration.name.lowercased() }
        guard let old, old.subnet == configuration.subnet, let address = old.address, address.version == configuration.version else { return nil }
        return prefixes(configuration).contains { $0.contains(address) } ? address : nil
    }

    private func firstFree(_ configuration: IPConfiguration, isTaken: (IPAddress) -> Bool) throws -> IPAddress {
        let prefixes = prefixes(configuration)
        for prefix in prefixes {
            guard let usable = prefix.usable else { continue }
            for bits in usable {
                let address = IPAddress(prefix.version, bits: bits)
                if !isTaken(address) { return address }
            }
        }
        throw APIError.subnetFull(configuration.subnet, prefixes)
    }

    /// The prefixes of a configuration's subnet that are of its version.
    private func prefixes(_ configuration: IPConfiguration) -> [AddressPrefix] {
        let subnet = subnets?.children(VirtualNetworkType.subnets).first(named: configuration.subnet.name)
        return (subnet.map { Subnet.prefixes(of: $0.properties) } ?? []).filter { $0.version == configuration.version }
    }

    private func id(_ configuration: IPConfiguration) -> ResourceID {
        interface.childID(NetworkInterfaceType.configurations, configuration.name)
    }

    private func key(_ address: IPAddress) -> String { NetworkClaim.Thing.privateAddress(address, network: virtualNetwork).key }
}
