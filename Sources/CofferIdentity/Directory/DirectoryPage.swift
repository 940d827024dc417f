import CofferModel
import CofferPlatform

/// One page of a list of the directory.
struct DirectoryPage: Sendable {
    let values: [JSONValue]
    /// The id behind which the next page begins; nil if this is the last.
    let next: String?
}

/// Which page is asked for.
struct DirectoryPageRequest: Sendable {
    static let defaultCount = 100
    static let maximumCount = 999

    let filter: GraphFilter
    let count: Int
    let after: String?

    /// - Throws: ``APIError``: a `$filter` or `$top` that is not known.
    init(_ request: APIRequest) throws(APIError) {
        filter = try GraphFilter(request.parameter("$filter"))
        after = request.parameter("$skiptoken")
        guard let top = request.parameter("$top") else {
            count = Self.defaultCount
            return
        }
        guard let count = Int(top), (1...Self.maximumCount).contains(count) else {
            throw .badDirectoryRequest("Invalid page size specified: '\(top.prefix(40))'. Must be between 1 and 999 inclusive.", "$top")
        }
        self.count = count
    }
}

extension ReadTransaction {
    /// The page of a collection's records that `page` asks for, each as `json` shows it.
    func directoryPage<Record: Decodable>(
        _ type: Record.Type, in collection: String, _ page: DirectoryPageRequest, json: (Record) -> JSONValue
    ) throws -> DirectoryPage {
        var values: [JSONValue] = []
        var after = page.after
        var last: String?
        while true {
            let documents = try documents(in: collection, prefix: "", after: after, limit: 500)
            for document in documents {
                guard let record = try? JSON.decode(type, from: document.body) else {
                    throw StoreError.corrupt("\(collection)/\(document.id)")
                }
                let value = json(record)
                guard page.filter.takes(value) else { continue }
                if values.count == page.count { return DirectoryPage(values: values, next: last) }
                values.append(value)
                last = document.id
            }
            guard documents.count == 500, let end = documents.last else { return DirectoryPage(values: values, next: nil) }
            after = end.id
        }
    }
}
