import CofferCore
import CofferPlatform

/// Something that a vault does by itself when its time has come. Documents are kept in order of that time, so that finding what is due
/// costs one look at the first of them, however many objects there are.
///
/// An item is a reminder, not a decision: whoever acts on it looks at the object again, for it may have changed since.
struct AgendaItem: Codable, Equatable, Sendable {
    static let collection = "agenda"

    /// What is to be done.
    enum Task: String, Codable, CaseIterable, Sendable {
        /// Destroy a deleted object whose retention has ended.
        case purge
        /// Destroy a deleted vault whose retention has ended.
        case purgeVault
        /// Look at what a rotation policy or lifetime action asks for.
        case policy
    }

    let task: Task
    let kind: ObjectKind
    /// The object's name in lower case; empty if the vault itself is meant.
    let name: String
    /// The vault's name in lower case, and its instance.
    let vault: String
    let instance: String
    let due: Timestamp

    init(_ task: Task, of kind: ObjectKind, _ name: ObjectName, in vault: VaultRecord, due: Timestamp) {
        self.init(task: task, kind: kind, name: name.key, vault: vault, due: due)
    }

    /// The reminder that a deleted vault is to be purged.
    init(purgeOf vault: VaultRecord, due: Timestamp) {
        self.init(task: .purgeVault, kind: .keys, name: "", vault: vault, due: due)
    }

    private init(task: Task, kind: ObjectKind, name: String, vault: VaultRecord, due: Timestamp) {
        self.task = task
        self.kind = kind
        self.name = name
        self.vault = vault.name.lowercased()
        instance = vault.instance
        self.due = due
    }

    /// The same at another time.
    func moved(to due: Timestamp) -> AgendaItem { AgendaItem(self, due: due) }

    private init(_ item: AgendaItem, due: Timestamp) {
        task = item.task
        kind = item.kind
        name = item.name
        vault = item.vault
        instance = item.instance
        self.due = due
    }

    /// Sorts by time. Moments before 1970 count as 1970.
    var documentID: String {
        let digits = String(max(0, due.milliseconds))
        return String(repeating: "0", count: max(0, 19 - digits.count)) + digits + "/\(instance)/\(kind.rawValue)/\(name)/\(task.rawValue)"
    }
}

extension WriteTransaction {
    func schedule(_ item: AgendaItem) throws {
        try put(item, item.documentID, in: AgendaItem.collection)
    }

    func unschedule(_ item: AgendaItem) throws {
        try remove(item.documentID, in: AgendaItem.collection, if: .any)
    }
}
