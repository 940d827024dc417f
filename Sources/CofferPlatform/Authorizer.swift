package import CofferModel

/// Decides who may do what. Answered by CofferIdentity.
package protocol Authorizer: Sendable {
    /// Whether a role assignment gives `caller` this action at `scope` or above it.
    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool
    /// The object ids, in lower case, of the groups that `caller` belongs to, directly or through other groups: a vault's access
    /// policies may name a group instead of the caller.
    func groups(of caller: Caller) async throws -> [String]
}

extension Authorizer {
    /// None, where there is no directory to ask.
    package func groups(of caller: Caller) async throws -> [String] { [] }
}

/// An operation that needs permission, such as `Microsoft.KeyVault/vaults/keys/wrap/action`.
package struct Action: Hashable, Sendable {
    package enum Plane: Sendable {
        /// Checked against a role's `actions`.
        case management
        /// Checked against a role's `dataActions`.
        case data
    }

    package let name: String
    package let plane: Plane

    package static func management(_ name: String) -> Action { Action(name: name, plane: .management) }
    package static func data(_ name: String) -> Action { Action(name: name, plane: .data) }
}

/// Proof that a caller was allowed to do one thing in one place.
///
/// A service method that changes or reveals anything takes a grant, so the check cannot be forgotten: only
/// ``Authorizer/grant(_:to:on:)`` makes one.
package struct Grant: Sendable {
    package let caller: Caller
    package let action: Action
    package let scope: ResourceID

    fileprivate init(caller: Caller, action: Action, scope: ResourceID) {
        self.caller = caller
        self.action = action
        self.scope = scope
    }
}

extension Authorizer {
    /// The only way to obtain a ``Grant``.
    ///
    /// - Throws: ``Forbidden`` if no role assignment allows it. The caller of this function turns that into the error of
    ///   its own plane.
    package func grant(_ action: Action, to caller: Caller, on scope: ResourceID) async throws -> Grant {
        guard try await allows(caller, action, on: scope) else {
            throw Forbidden(caller: caller, action: action, scope: scope)
        }
        return Grant(caller: caller, action: action, scope: scope)
    }
}

/// No role assignment allows `action` to `caller` at `scope`.
package struct Forbidden: Error, Sendable {
    package let caller: Caller
    package let action: Action
    package let scope: ResourceID
}
