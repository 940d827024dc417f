import CofferCore
import CofferModel
import CofferPlatform

/// Gives out the console logs of virtual machines whose boot diagnostics are enabled.
struct BootDiagnosticsService: Sendable {
    let store: any Store
    let host: any MachineHost
    let clock: any WallClock
    /// `https://localhost:8443`.
    let authority: String

    /// How long a URL can be used, in minutes.
    static let minutes = 1...1440
    static let usualMinutes = 120

    /// Opens a machine's console log to whoever gets the URL.
    ///
    /// - Throws: ``APIError`` if its boot diagnostics are not enabled.
    func grant(_ id: ResourceID, minutes: Int, by grant: Grant) async throws -> String {
        guard let record = try await store.read({ try $0.machine(id) }) else { throw APIError.resourceNotFound(id) }
        guard record.hasBootDiagnostics else { throw APIError.bootDiagnosticsDisabled(id) }
        let now = clock.now()
        let (access, secret) = ConsoleLogAccess.make(to: record, until: now.adding(.seconds(60 * minutes)))
        try await store.write { try $0.remember(access, now: now) }
        return access.url(authority, secret: secret)
    }

    /// The machine that an access is of, whether or not it can still be used.
    func place(_ access: String) async throws -> ResourceID? {
        try await store.read { try $0.consoleLogAccess(access)?.resource }
    }

    /// The last part of what a machine wrote to its console.
    ///
    /// - Throws: ``APIError/consoleLogAccessRefused`` unless there is such an access now and this is its secret.
    func consoleLog(_ access: String, secret: String) async throws -> [UInt8] {
        let (found, record) = try await store.read { transaction in
            let found = try transaction.consoleLogAccess(access)
            return (found, try found.flatMap { try transaction.machine($0.resource) })
        }
        guard let found, let record, AccessSecret.isValid(secret, for: found.digest), clock.now() < found.expires,
            record.machine == found.machine, record.hasBootDiagnostics
        else { throw APIError.consoleLogAccessRefused }
        return await host.consoleLog(of: record.machine)
    }
}

extension MachineRecord {
    /// Whether `diagnosticsProfile.bootDiagnostics` is enabled.
    var hasBootDiagnostics: Bool { labels["diagnosticsProfile"]?["bootDiagnostics"]?["enabled"]?.bool == true }
}

extension APIError {
    static func bootDiagnosticsDisabled(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "Boot diagnostics of the virtual machine '\(id.name)' are not enabled: az vm boot-diagnostics enable -g \(id.group ?? "") "
                + "-n \(id.name)")
    }

    /// 403: the same whatever is wrong with the URL.
    static let consoleLogAccessRefused = APIError(
        status: 403, code: "AuthenticationFailed",
        message: "This URL of a console log is wrong or has expired. Get another: az vm boot-diagnostics get-boot-log-uris")
}
