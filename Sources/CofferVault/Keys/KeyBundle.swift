import CofferCore
import CofferModel

/// A key version as the data plane shows it: public part, attributes, tags.
struct KeyBundle: Encodable, Sendable {
    let key: JSONWebKey
    let attributes: AttributesView
    /// Absent if there are none.
    let tags: [String: String]?
    /// True or absent.
    let managed: Bool?

    init(_ version: KeyVersionRecord, in vault: VaultRecord, host: String, _ apiVersion: VaultAPIVersion) {
        key = JSONWebKey(version, host: host)
        attributes = AttributesView(version, in: vault, apiVersion)
        tags = version.tags.isEmpty ? nil : version.tags
        managed = version.isManaged ? true : nil
    }
}

/// A key in a list, without any material.
struct KeyItem: Encodable, Sendable {
    let kid: String
    let attributes: AttributesView
    let tags: [String: String]?
    let managed: Bool?

    /// - Parameter url: With a version in a list of versions, without in a list of keys.
    init(_ version: KeyVersionRecord, _ url: KeyURL, in vault: VaultRecord, _ apiVersion: VaultAPIVersion) {
        kid = url.text
        attributes = AttributesView(version, in: vault, apiVersion)
        tags = version.tags.isEmpty ? nil : version.tags
        managed = version.isManaged ? true : nil
    }
}

/// The public part of a key (RFC 7518 section 6).
struct JSONWebKey: Encodable, Sendable {
    let kid: String
    let kty: String
    let key_ops: [String]
    let n: String?
    let e: String?
    let crv: String?
    let x: String?
    let y: String?

    init(_ version: KeyVersionRecord, host: String) {
        kid = version.url(host: host).text
        kty = version.type
        key_ops = version.operations.map(\.rawValue)
        n = version.publicPart.n
        e = version.publicPart.e
        crv = version.publicPart.crv
        x = version.publicPart.x
        y = version.publicPart.y
    }
}

/// What encrypt, decrypt, wrap, unwrap and sign answer.
struct KeyOperationView: Encodable, Sendable {
    /// The version that was used.
    let kid: String
    /// Base 64 for URLs, as all that follows.
    let value: String
    /// Of symmetric keys' ciphertexts.
    var iv: String?
    var tag: String?
    var aad: String?
}

/// What verify answers.
struct KeyVerificationView: Encodable, Sendable {
    let value: Bool
}

extension AttributesView {
    /// The attributes of a key version.
    init(_ version: KeyVersionRecord, in vault: VaultRecord, _ apiVersion: VaultAPIVersion) {
        self.init(version, in: vault)
        exportable = false
        hsmPlatform = apiVersion.hasHSMPlatform ? (version.tokenKey == nil ? "0" : "1") : nil
    }
}
