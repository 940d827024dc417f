import CofferPlatform

/// What a request takes from a vault's allowance (contract section 1.11). One unit of a bucket is the cheapest request that it
/// is for.
struct ThrottleCost: Equatable, Sendable {
    enum Bucket: CaseIterable, Sendable {
        /// Making keys: 20 software-protected ones in a window, or 10 of an HSM, or some of both.
        case keyCreation
        /// Everything else with keys: 4000 times with an RSA key of 2048 bits, fewer with larger ones.
        case keys
        /// Secrets, certificates and the rest.
        case others

        /// Units in a window, for one vault.
        var limit: Int {
            switch self {
            case .keyCreation: 20
            case .keys, .others: 4000
            }
        }
    }

    let bucket: Bucket
    let units: Int

    /// What is known before the request is answered: its bucket, and that it takes a unit at least.
    ///
    /// - Parameter operation: The name in the audit trail.
    init(_ operation: String) {
        bucket =
            switch operation {
            case "KeyCreate", "KeyRotate", "KeyRelease": .keyCreation
            case _ where operation.hasPrefix("Key"): .keys
            default: .others
            }
        units = 1
    }

    /// What it is once the key is known.
    init(_ operation: String, _ key: AuditKey) {
        bucket = ThrottleCost(operation).bucket
        let isHSM = key.type.hasSuffix("-HSM")
        let size =
            switch key.size ?? 0 {
            case _ where !key.type.hasPrefix("RSA"): 1
            case 4096...: 8
            case 3072...: 4
            default: 1
            }
        switch bucket {
        case .keyCreation: units = isHSM ? 2 : 1
        case .keys: units = isHSM ? size * 2 : size
        case .others: units = 1
        }
    }
}
