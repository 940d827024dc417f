import CofferCore
import CofferModel

/// The body of `PUT …/vaults/{vault}/keys/{key}`, as sent.
struct KeyResourceBody: Decodable, Sendable {
    let tags: [String: String]?
    let properties: Properties

    struct Properties: Decodable, Sendable {
        let kty: String
        let keyOps: [String]?
        let keySize: Int?
        let curveName: String?
        let attributes: AttributesBody?
        let rotationPolicy: RotationPolicyBody?
        let release_policy: JSONValue?
    }

    /// The same as the data plane asks for it.
    var dataPlaneBody: CreateKeyBody {
        CreateKeyBody(
            kty: properties.kty, key_size: properties.keySize, public_exponent: nil, key_ops: properties.keyOps,
            attributes: properties.attributes, tags: tags, crv: properties.curveName, release_policy: properties.release_policy)
    }
}

/// A key version as Azure Resource Manager shows it.
struct KeyResource: Encodable, Sendable {
    let id: String
    let name: String
    let type: String
    let location: String
    let tags: [String: String]
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let attributes: Attributes
        let kty: String
        let keyOps: [String]
        /// Of RSA, in bits.
        let keySize: Int?
        /// Of EC.
        let curveName: String?
        let keyUri: String
        let keyUriWithVersion: String
        /// Not shown in lists.
        let rotationPolicy: RotationPolicyResource?
    }

    struct Attributes: Encodable, Sendable {
        let enabled: Bool
        let nbf: Int64?
        let exp: Int64?
        let created: Int64
        let updated: Int64
        let recoveryLevel: String
        let exportable = false
    }

    /// - Parameters:
    ///   - asVersion: Whether it is shown as `…/keys/{key}/versions/{version}`.
    ///   - policy: Nil if the key has none of its own, or it is not asked for.
    init(_ version: KeyVersionRecord, in vault: VaultRecord, host: String, asVersion: Bool, policy: RotationPolicyResource? = nil) {
        id = "\(vault.id.text)/keys/\(version.name)" + (asVersion ? "/versions/\(version.version)" : "")
        name = asVersion ? version.version : version.name
        type = "Microsoft.KeyVault/vaults/keys" + (asVersion ? "/versions" : "")
        location = vault.location
        tags = version.tags
        properties = Properties(
            attributes: Attributes(
                enabled: version.isEnabled, nbf: version.notBefore?.seconds, exp: version.expires?.seconds,
                created: version.created.seconds, updated: version.updated.seconds, recoveryLevel: vault.recoveryLevel),
            kty: version.type, keyOps: version.operations.map(\.rawValue), keySize: version.publicPart.n == nil ? nil : version.bits,
            curveName: version.publicPart.crv, keyUri: version.baseID(host: host), keyUriWithVersion: version.id(host: host),
            rotationPolicy: policy)
    }
}

/// A key's rotation policy as Azure Resource Manager shows it: without an id, and with its actions in lower case.
struct RotationPolicyResource: Encodable, Sendable {
    let lifetimeActions: [RotationPolicyView.LifetimeAction]
    let attributes: RotationPolicyView.Attributes

    init(_ view: RotationPolicyView) {
        lifetimeActions = view.lifetimeActions.map {
            RotationPolicyView.LifetimeAction(
                trigger: $0.trigger, action: RotationPolicyView.Action(type: $0.action.type.lowercased()))
        }
        attributes = view.attributes
    }
}
