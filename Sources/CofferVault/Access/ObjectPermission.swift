import CofferPlatform

/// What a caller may be allowed to do with a vault's objects, in both of a vault's permission models.
protocol ObjectPermission: Sendable {
    var kind: ObjectKind { get }
    /// The data action that a role must have (contract section 3.2).
    var action: Action { get }
    /// The name in an access policy (contract section 3.4).
    var policyName: String { get }
    /// The narrowest built-in role that allows it, for advice.
    var role: String { get }
    /// Whether whoever may read an asymmetric key may do this too, since it takes no more than the public part.
    var needsOnlyPublicKey: Bool { get }
}

extension ObjectPermission {
    var needsOnlyPublicKey: Bool { false }
}
