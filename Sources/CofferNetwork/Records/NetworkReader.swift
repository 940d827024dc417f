import CofferModel
import CofferPlatform

/// What is asked of the records of networks in one transaction.
struct NetworkReader {
    let transaction: any ReadTransaction

    func record(_ id: ResourceID) throws -> NetworkRecord? {
        try transaction.value(NetworkRecord.self, id.key, in: NetworkRecord.collection)?.value
    }

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func existing(_ id: ResourceID) throws -> NetworkRecord {
        guard let record = try record(id) else { throw APIError.resourceNotFound(id) }
        return record
    }

    /// Who uses a resource, in order of their ids.
    func users(of id: ResourceID) throws -> [ResourceID] {
        try transaction.values(NetworkClaim.self, in: NetworkClaim.collection, prefix: NetworkClaim.usePrefix(of: id)).map(\.holder)
    }

    func owner(of thing: NetworkClaim.Thing) throws -> ResourceID? {
        try transaction.value(NetworkClaim.self, thing.key, in: NetworkClaim.collection)?.value.holder
    }

    /// The keys of all claims that begin so.
    func keys(prefix: String) throws -> Set<String> {
        var keys: Set<String> = []
        var after: String?
        while true {
            let page = try transaction.documents(in: NetworkClaim.collection, prefix: prefix, after: after, limit: 500)
            keys.formUnion(page.map(\.id))
            guard page.count == 500, let last = page.last else { return keys }
            after = last.id
        }
    }
}
