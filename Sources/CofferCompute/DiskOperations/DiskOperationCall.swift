import CofferModel
import CofferPlatform

/// One of Coffer's own operations on disks.
enum DiskOperation: String, CaseIterable, Sendable {
    case list
    case attach
    case detach
    case inspect
    /// Of what its clients have done.
    case stats
    /// For a client over TLS.
    case certificate
    /// For a host of virtual machines, over TLS.
    case hostCertificate
    /// All that were issued.
    case certificates
    /// Takes one back.
    case revokeCertificate
    case exportKey
    case holes
    /// Begins to bring its data to new data keys.
    case reencrypt
    /// Lets that rest or go on, or changes its limit.
    case steerReencryption
    /// How far it is.
    case reencryption
    /// Of a snapshot, since another of the same disk.
    case changes
    /// Of all holders of data keys.
    case dataKeys
    /// Of a key.
    case keyImpact
    /// Of a disk encryption set.
    case status

    /// What the caller must be allowed. What gives a disk's contents away without Coffer is a permission that no general role
    /// has, not even Owner.
    var action: Action {
        switch self {
        case .attach, .detach, .certificate, .hostCertificate, .revokeCertificate, .reencrypt, .steerReencryption: .management("Microsoft.Compute/disks/write")
        case .list, .inspect, .stats, .certificates, .dataKeys, .keyImpact, .reencryption: .management("Microsoft.Compute/disks/read")
        case .status: .management("Microsoft.Compute/diskEncryptionSets/read")
        case .exportKey, .holes, .changes: .data("Microsoft.Compute/disks/exportKey/action")
        }
    }

    /// The audit event's operation; nil for what changes and reveals nothing.
    var auditName: String? {
        switch self {
        case .list, .inspect, .stats, .certificates, .dataKeys, .keyImpact, .status, .reencryption: nil
        case .attach: "DiskAttach"
        case .detach: "DiskDetach"
        case .certificate: "DiskCertificate"
        case .hostCertificate: "DiskHostCertificate"
        case .revokeCertificate: "DiskRevokeCertificate"
        case .exportKey: "DiskExportKey"
        case .holes: "DiskHoles"
        case .reencrypt: "DiskReencrypt"
        case .steerReencryption: "DiskSteerReencryption"
        case .changes: "SnapshotChanges"
        }
    }

    /// The type of resource that it is an operation on.
    var type: String {
        switch self {
        case .changes: SnapshotsRoutes.type
        case .status: EncryptionSetsRoutes.type
        default: DisksRoutes.type
        }
    }

    /// The last word of the path if it is an operation on all of a subscription.
    var collection: String? {
        switch self {
        case .list: "disks"
        case .dataKeys: "datakeys"
        case .keyImpact: "keyimpact"
        case .certificates: "diskcertificates"
        case .hostCertificate: "hostcertificate"
        case .revokeCertificate: "revokecertificate"
        default: nil
        }
    }

    var method: APIRequest.Method {
        switch self {
        case .list, .dataKeys, .keyImpact, .certificates: .get
        default: .post
        }
    }
}

/// What a request below `/coffer/v1` asks for.
struct DiskOperationCall: Sendable {
    let operation: DiskOperation
    /// The disk, snapshot or set, or for a list the subscription.
    let scope: ResourceID

    /// - Returns: nil if the path leads nowhere.
    /// - Throws: ``APIError`` for a name that no disk can have, or a verb that the path does not have.
    init?(_ request: APIRequest) throws {
        let path = request.path.filter { !$0.isEmpty }
        let words = path.map { $0.lowercased() }
        guard path.count >= 5, words[0] == "coffer", words[1] == "v1", words[2] == "subscriptions" else { return nil }
        if path.count == 5, let named = DiskOperation.allCases.first(where: { $0.collection == words[4] }) {
            guard request.method == named.method else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
            operation = named
            scope = ResourceID(subscription: path[3])
            return
        }
        guard path.count == 9, words[4] == "resourcegroups",
            let named = DiskOperation.allCases.first(where: {
                $0.collection == nil && $0.type.lowercased() == words[6] && $0.rawValue.lowercased() == words[8]
            })
        else { return nil }
        guard request.method == named.method else { throw APIError.methodNotAllowed(request.method.rawValue, request.uri) }
        operation = named
        scope = try ResourceID.compute(named.type, path[7], subscription: path[3], group: path[5])
    }
}
