import CofferModel
import CofferPlatform

/// One of Coffer's own operations on disks.
enum DiskOperation: String, CaseIterable, Sendable {
    case list
    case attach
    case detach
    case inspect
    case exportKey
    case holes
    /// Of a snapshot, since another of the same disk.
    case changes

    /// What the caller must be allowed. What gives a disk's contents away without Coffer is a permission that no general role
    /// has, not even Owner.
    var action: Action {
        switch self {
        case .attach, .detach: .management("Microsoft.Compute/disks/write")
        case .list, .inspect: .management("Microsoft.Compute/disks/read")
        case .exportKey, .holes, .changes: .data("Microsoft.Compute/disks/exportKey/action")
        }
    }

    /// The audit event's operation; nil for what changes and reveals nothing.
    var auditName: String? {
        switch self {
        case .list, .inspect: nil
        case .attach: "DiskAttach"
        case .detach: "DiskDetach"
        case .exportKey: "DiskExportKey"
        case .holes: "DiskHoles"
        case .changes: "SnapshotChanges"
        }
    }

    /// The type of resource that it is an operation on.
    var type: String { self == .changes ? SnapshotsRoutes.type : DisksRoutes.type }
}

/// What a request below `/coffer/v1` asks for.
struct DiskOperationCall: Sendable {
    let operation: DiskOperation
    /// The disk or snapshot, or for a list the subscription.
    let scope: ResourceID

    /// - Returns: nil if the path leads nowhere.
    /// - Throws: ``APIError`` for a name that no disk can have, or a verb that the path does not have.
    init?(_ request: APIRequest) throws {
        let path = request.path.filter { !$0.isEmpty }
        let words = path.map { $0.lowercased() }
        guard path.count >= 5, words[0] == "coffer", words[1] == "v1", words[2] == "subscriptions" else { return nil }
        if path.count == 5, words[4] == "disks" {
            guard request.method == .get else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
            operation = .list
            scope = ResourceID(subscription: path[3])
            return
        }
        guard path.count == 9, words[4] == "resourcegroups",
            let named = DiskOperation.allCases.first(where: { $0 != .list && $0.type == words[6] && $0.rawValue.lowercased() == words[8] })
        else { return nil }
        guard request.method == .post else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
        operation = named
        scope = try ResourceID.compute(named.type, path[7], subscription: path[3], group: path[5])
    }
}
