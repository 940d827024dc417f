package import CofferModel

/// Principals that belong to resources, or are resources themselves. Answered by CofferIdentity.
package protocol ManagedIdentities: Sendable {
    /// The system-assigned identity of `resource`, made if there is none yet.
    func systemAssigned(for resource: ResourceID) async throws -> Caller
    /// Removes the system-assigned identity of `resource` and its role assignments.
    func removeSystemAssigned(of resource: ResourceID) async throws
    /// A user-assigned identity (`Microsoft.ManagedIdentity/userAssignedIdentities`); nil if there is none.
    func userAssigned(_ identity: ResourceID) async throws -> Caller?
}
