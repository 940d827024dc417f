import CofferModel
import CofferPlatform

/// The answer to `CheckIPAddressAvailability`: whether an interface could be given an address, and if not, which others of its subnet.
struct AddressAvailability {
    private static let most = 5

    let document: JSONValue

    /// - Throws: ``APIError`` if `text` is no address.
    init(of text: String, in record: NetworkRecord, _ network: NetworkReader) throws {
        guard let address = IPAddress(text) else { throw APIError.privateAddressInvalid(text, of: record.id) }
        let prefixes = record.children(VirtualNetworkType.subnets).flatMap { Subnet.prefixes(of: $0.properties) }
        let prefix = prefixes.first { $0.contains(address) }
        let usable = prefix?.usable
        let isReserved = prefix != nil && usable?.contains(address.bits) != true
        let taken = try network.keys(prefix: NetworkClaim.Thing.privatePrefix(of: record.id))
        func isFree(_ address: IPAddress) -> Bool { !taken.contains(NetworkClaim.Thing.privateAddress(address, network: record.id).key) }
        let isAvailable = prefix != nil && !isReserved && isFree(address)
        var others: [JSONValue] = []
        if let usable, !isAvailable {
            others = usable.lazy.map { IPAddress(address.version, bits: $0) }.filter(isFree).prefix(Self.most).map { .string($0.description) }
        }
        document = ["available": .bool(isAvailable), "availableIPAddresses": .array(others), "isPlatformReserved": .bool(isReserved)]
    }
}
