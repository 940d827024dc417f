import CofferCore
import CofferModel

/// A key version as the data plane shows it: public part, attributes, tags.
struct KeyBundle: Encodable, Sendable {
    let key: JSONWebKey
    let attributes: KeyAttributesView
    /// Absent if there are none.
    let tags: [String: String]?

    init(_ version: KeyVersionRecord, in vault: VaultRecord, host: String, _ apiVersion: VaultAPIVersion) {
        key = JSONWebKey(version, host: host)
        attributes = KeyAttributesView(version, in: vault, apiVersion)
        tags = version.tags.isEmpty ? nil : version.tags
    }
}

/// A key in a list, without any material.
struct KeyItem: Encodable, Sendable {
    let kid: String
    let attributes: KeyAttributesView
    let tags: [String: String]?

    /// - Parameter url: With a version in a list of versions, without in a list of keys.
    init(_ version: KeyVersionRecord, _ url: KeyURL, in vault: VaultRecord, _ apiVersion: VaultAPIVersion) {
        kid = url.text
        attributes = KeyAttributesView(version, in: vault, apiVersion)
        tags = version.tags.isEmpty ? nil : version.tags
    }
}

/// The public part of an RSA key (RFC 7518 section 6.3.1).
struct JSONWebKey: Encodable, Sendable {
    let kid: String
    let kty: String
    let key_ops: [String]
    let n: String
    let e: String

    init(_ version: KeyVersionRecord, host: String) {
        kid = version.url(host: host).text
        kty = version.type
        key_ops = version.operations.map(\.rawValue)
        n = version.modulus
        e = version.exponent
    }
}

/// A key version's attributes. Dates are in seconds since 1970.
struct KeyAttributesView: Encodable, Sendable {
    let enabled: Bool
    let nbf: Int64?
    let exp: Int64?
    let created: Int64
    let updated: Int64
    let recoveryLevel: String
    let recoverableDays: Int
    let exportable = false
    /// `0`, for a key that no hardware holds; since 7.5.
    let hsmPlatform: String?

    init(_ version: KeyVersionRecord, in vault: VaultRecord, _ apiVersion: VaultAPIVersion) {
        enabled = version.isEnabled
        nbf = version.notBefore?.seconds
        exp = version.expires?.seconds
        created = version.created.seconds
        updated = version.updated.seconds
        recoveryLevel = vault.recoveryLevel
        recoverableDays = vault.retentionDays
        hsmPlatform = apiVersion.hasHSMPlatform ? "0" : nil
    }
}

/// What encrypt, decrypt, wrap, unwrap and sign answer.
struct KeyOperationView: Encodable, Sendable {
    /// The version that was used.
    let kid: String
    /// Base 64 for URLs.
    let value: String
}

/// What verify answers.
struct KeyVerificationView: Encodable, Sendable {
    let value: Bool
}

extension VaultRecord {
    /// How a deleted key of this vault can come back (contract section 1.5).
    var recoveryLevel: String {
        (retentionDays == 90 ? "Recoverable" : "CustomizedRecoverable") + (hasPurgeProtection ? "" : "+Purgeable")
    }
}
