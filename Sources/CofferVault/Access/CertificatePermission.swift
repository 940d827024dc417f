import CofferPlatform

/// What can be allowed on certificates, their issuers and contacts. The raw values are the names of access policies.
enum CertificatePermission: String, CaseIterable, ObjectPermission {
    case get
    case list
    case create
    case `import`
    case update
    case delete
    case recover
    case purge
    case backup
    case restore
    case manageContacts = "managecontacts"
    case getIssuers = "getissuers"
    case listIssuers = "listissuers"
    case setIssuers = "setissuers"
    case deleteIssuers = "deleteissuers"

    var kind: ObjectKind { .certificates }

    var action: Action {
        let path =
            switch self {
            case .get, .list: "certificates/read"
            case .delete: "certificates/delete"
            case .manageContacts: "certificatecontacts/write"
            case .getIssuers, .listIssuers: "certificatecas/read"
            case .setIssuers: "certificatecas/write"
            case .deleteIssuers: "certificatecas/delete"
            case .create, .import, .update, .recover, .purge, .backup, .restore: "certificates/\(rawValue)/action"
            }
        return .data("Microsoft.KeyVault/vaults/\(path)")
    }

    var policyName: String { rawValue }

    var role: String {
        switch self {
        case .get, .list: "Key Vault Certificate User"
        default: "Key Vault Certificates Officer"
        }
    }
}
