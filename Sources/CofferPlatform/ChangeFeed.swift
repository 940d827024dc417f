/// Tells which documents changed in a store that other processes write to as well. Answered by CofferPostgres.
package protocol ChangeFeed: Sendable {
    /// What was committed since the snapshot of the last call, by whatever process, up to a snapshot that is taken after
    /// this call began. One call runs at a time, on a thread that waits for it and runs no tasks.
    func changes() throws -> StoreChanges
}

/// What changed in a store between two looks at it.
package enum StoreChanges: Equatable, Sendable {
    /// These documents and no others, in any order, some perhaps twice.
    case documents([DocumentName])
    /// Any document may have changed: it was not followed.
    case unknown
}

/// What one document of a store is called. Names compare byte for byte, as stores compare them: Swift takes an accented
/// letter and its decomposition for equal.
package struct DocumentName: Hashable, Sendable {
    package let collection: String
    package let id: String

    package init(collection: String, id: String) {
        self.collection = collection
        self.id = id
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.id.utf8.elementsEqual(right.id.utf8) && left.collection.utf8.elementsEqual(right.collection.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(collection)
        hasher.combine(id)
    }
}
