import CofferModel

/// Refusals of management locks (contract section 2.6). The sentence of ``scopeLocked(_:_:by:)`` is Azure's, which clients look for.
extension APIError {
    /// 409: a lock at, above or below the scope forbids it.
    ///
    /// - Parameters:
    ///   - operation: `write` or `delete`.
    ///   - locked: The scopes that are locked.
    static func scopeLocked(_ scope: ResourceID, _ operation: String, by locked: [ResourceID]) -> APIError {
        APIError(
            status: 409, code: "ScopeLocked",
            message: "The scope '\(scope)' cannot perform \(operation) operation because following scope(s) are locked: "
                + locked.map { "'\($0)'" }.joined(separator: ", ") + ". Please remove the lock and try again."
        )
    }

    /// 404: no lock of this name at this scope.
    static func lockNotFound(_ name: String, _ scope: ResourceID) -> APIError {
        APIError(
            status: 404, code: "LockNotFound",
            message: "The lock '\(name.prefix(300))' could not be found at '\(scope)'. `az lock list` shows where locks are."
        )
    }

    /// 400: a name that no lock can have.
    static func invalidLockName() -> APIError {
        APIError(
            status: 400, code: "InvalidLockName",
            message: "The name of a lock has 1 to 260 characters, none of them a control character or one of <>%&:\\?/#."
        )
    }

    /// 400: a level that locks do not have.
    static func invalidLockLevel(_ level: String) -> APIError {
        APIError(
            status: 400, code: "InvalidLockLevel",
            message: "The level '\(level.prefix(40))' of the lock must be CanNotDelete or ReadOnly.", target: "properties.level"
        )
    }

    /// 400: notes that are too long.
    static func lockNotesTooLong() -> APIError {
        APIError(
            status: 400, code: "InvalidLockNotes", message: "The notes of a lock have 512 characters at most.",
            target: "properties.notes"
        )
    }

    /// 400: a scope that locks are not put on.
    static func lockScopeNotSupported(_ scope: ResourceID) -> APIError {
        APIError(
            status: 400, code: "InvalidLockScope",
            message: "A lock is put on a subscription, a resource group or a resource, and '\(scope)' is none of these."
        )
    }
}
