// modules: CofferCore CofferModel CofferPlatform CofferNetwork
import CofferModel
@testable import CofferNetwork

/// Any text as an address, a prefix and what a security rule has of them, and any bytes as the body of each type of the network.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let text = String(decoding: bytes, as: UTF8.self)
    if let address = IPAddress(text) { precondition(IPAddress(address.description) == address, "an address does not read back") }
    if let prefix = AddressPrefix(text) {
        precondition(AddressPrefix(prefix.description) == prefix, "a prefix does not read back")
        precondition(prefix.contains(prefix.address) && prefix.overlaps(prefix.canonical), "a prefix is not within itself")
        if let usable = prefix.usable { precondition(usable.lowerBound > prefix.first.bits && usable.upperBound < prefix.last.bits, "a reserved address is given out") }
    }
    _ = SecurityRuleAddress(text)
    _ = PortRange(text)
    guard let body = try? JSON.decode(JSONValue.self, from: bytes) else { return 0 }
    read(body)
    return 0
}

/// Reads a body as each type does that needs no other resource for it.
private func read(_ body: JSONValue) {
    let id = ResourceID(subscription: "s", group: "g", namespace: "Microsoft.Network", type: "t", name: "n")
    let types: [any NetworkType] = [NetworkInterfaceType(), PublicAddressType(network: PublicNetwork.standard.prefix), VirtualNetworkType(), SecurityGroupType()]
    for type in types {
        guard let draft = try? NetworkDraft(body, of: id, shape: type.shape) else { continue }
        for shape in type.shape.children {
            for child in draft.children[shape.type] ?? [] {
                var child = child
                _ = try? IPConfiguration(settling: child, of: id)
                _ = try? Subnet.settle(&child.properties, of: id)
                guard let rule = try? SecurityRule(settling: &child, of: id) else { continue }
                let ports = OpenPorts(groups: [[rule]], privateAddress: IPAddress(10, 0, 0, 4), isOpenWithoutGroup: false).list
                precondition(ports.count <= 64, "more ports than can be forwarded")
            }
        }
        let record = NetworkRecord(
            id: id, location: "l", tags: [:], sku: draft.sku, zones: nil, properties: draft.properties, children: draft.children, guid: "", etag: "")
        _ = try? type.claims(of: record)
    }
}
