import CofferModel
import CofferPlatform

/// That something is in use, kept beside the records so that nobody has to search for it: which interfaces are in a subnet, who has an
/// address. All follow from the record of their holder and change with it in one transaction.
struct NetworkClaim: Codable, Equatable, Sendable {
    static let collection = "network-claims"

    /// The id of the document.
    let key: String
    /// Who uses it.
    let holder: ResourceID
    /// Whether nobody else may.
    let isExclusive: Bool

    /// A use of a resource that others may use as well.
    static func use(of target: ResourceID, by holder: ResourceID) -> NetworkClaim {
        NetworkClaim(key: "\(usePrefix(of: target))\(holder.key)", holder: holder, isExclusive: false)
    }

    /// A thing that has one owner: an address, a name.
    static func owning(_ thing: Thing, by holder: ResourceID) -> NetworkClaim {
        NetworkClaim(key: thing.key, holder: holder, isExclusive: true)
    }

    /// What all uses of a resource begin with. Names have no bar.
    static func usePrefix(of target: ResourceID) -> String { "use|\(target.key)|" }

    /// What has one owner.
    enum Thing {
        case privateAddress(IPAddress, network: ResourceID)
        case publicAddress(IPAddress)
        case macAddress(String)
        /// A name in the DNS, in full.
        case domainName(String)
        /// A place in a pool of a load balancer, from 0.
        case place(Int, in: ResourceID)
        /// That it is a load balancer, so that all of them are found.
        case balancer(ResourceID)

        var key: String {
            switch self {
            case .privateAddress(let address, let network): "\(Self.privatePrefix(of: network))\(address)"
            case .publicAddress(let address): "\(Self.publicPrefix)\(address)"
            case .macAddress(let address): "mac|\(address)"
            case .domainName(let name): "dns|\(name.lowercased())"
            case .place(let place, let pool): "\(Self.placePrefix(in: pool))\(place)"
            case .balancer(let id): "\(Self.balancerPrefix)\(id.key)"
            }
        }

        static func privatePrefix(of network: ResourceID) -> String { "private|\(network.key)|" }
        static let publicPrefix = "public|"
        static func placePrefix(in pool: ResourceID) -> String { "place|\(pool.key)|" }
        static let balancerPrefix = "balancer|"
    }
}

extension WriteTransaction {
    /// Replaces the claims that followed from a record by those that follow from it now.
    ///
    /// - Throws: `StoreError.preconditionFailed` if somebody else has what can have one owner.
    func replace(_ old: [NetworkClaim], by new: [NetworkClaim]) throws {
        for claim in old where !new.contains(claim) { try remove(claim.key, in: NetworkClaim.collection, if: .any) }
        for claim in new where !old.contains(claim) {
            try put(claim, claim.key, in: NetworkClaim.collection, if: claim.isExclusive ? .absent : .any)
        }
    }
}
