import CofferCore
import CofferModel
import CofferPlatform

/// Encrypts, decrypts, wraps, unwraps, signs and verifies with the keys of a vault. Knows nothing of HTTP.
struct KeyUseService: Sendable {
    let store: any Store
    let material: KeyMaterial
    let clock: any WallClock

    /// - Parameter version: The version to use, or nil for the current one.
    /// - Throws: an ``APIError`` if there is no such key, if it may not be used so, or if the input does not fit it.
    func use(
        _ name: ObjectName, version: String?, for operation: KeyOperation, _ body: UseKeyBody,
        _ apiVersion: VaultAPIVersion, in vault: VaultRecord, by grant: Grant
    ) async throws -> KeyUseResult {
        let record = try await store.version(KeyVersionRecord.self, of: name, version, in: vault)
        if !record.isEnabled { material.forget(record, in: vault) }
        try record.check(operation, at: clock.now())
        let use = try KeyUse(body, for: operation, with: record.kind, apiVersion)
        return KeyUseResult(version: record, output: try await material.perform(use, with: record, in: vault))
    }
}

/// What came out, and the version that was used.
struct KeyUseResult: Sendable {
    let version: KeyVersionRecord
    let output: KeyUse.Output
}

extension KeyVersionRecord {
    /// Whether this version may be used for `operation` at a time.
    ///
    /// - Throws: an ``APIError`` of status 403 with the first reason why not.
    func check(_ operation: KeyOperation, at now: Timestamp) throws {
        guard isEnabled else { throw APIError.keyDisabled(operation) }
        guard operations.contains(operation) else { throw APIError.keyOperationForbidden(operation, operations) }
        guard !operation.isAllowedOutsideDates else { return }
        if let notBefore, now < notBefore { throw APIError.keyNotYetValid(operation, notBefore) }
        if let expires, now >= expires { throw APIError.keyExpired(operation, expires) }
    }
}
