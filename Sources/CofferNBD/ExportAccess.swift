import CofferCrypto

/// Which exports a client may open.
enum ExportAccess: Equatable, CustomStringConvertible {
    case none
    case only(String)
    /// Of disks that are open for virtual machines: for their hosts.
    case machines
    case any

    /// What the names of hosts' certificates begin with.
    private static let hostPrefix = "host/"

    /// A certificate is for the export that its subject's common name names; named `host/NAME`, for those of virtual machines; named `*`, for
    /// all.
    init(of certificate: Certificate) {
        switch certificate.subject.commonName {
        case nil: self = .none
        case "*": self = .any
        case let name? where name.hasPrefix(Self.hostPrefix): self = .machines
        case let name?: self = .only(name)
        }
    }

    /// - Parameter isForMachine: Whether the export's disk is open for a virtual machine.
    func allows(_ export: String, isForMachine: Bool) -> Bool {
        switch self {
        case .none: false
        case .only(let name): name == export
        case .machines: isForMachine
        case .any: true
        }
    }

    var description: String {
        switch self {
        case .none: "no export"
        case .only(let name): "the export \(name)"
        case .machines: "the disks of virtual machines"
        case .any: "all exports"
        }
    }
}
