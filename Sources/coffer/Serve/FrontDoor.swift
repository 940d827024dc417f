import CofferCache
import CofferCompute
import CofferModel
import CofferMonitor
import CofferPlatform

/// Sends each request to the part that answers for its host and path.
struct FrontDoor: APIHandler {
    /// `vault.localhost:8443`.
    let vaultSuffix: String
    let vaults: any APIHandler
    let tokens: any APIHandler
    let isTokenPath: @Sendable ([String]) -> Bool
    /// The directory that `az role assignment` looks principals up in.
    let directory: any APIHandler
    let isDirectoryPath: @Sendable ([String]) -> Bool
    let disks: any APIHandler
    let diskAccess: DiskAccessHandler
    let bootDiagnostics: BootDiagnosticsHandler
    let audit: AuditReadHandler
    /// Moves the clock, if `--test-clock` was given.
    let clock: ClockHandler?
    let resources: any APIHandler

    func handle(_ request: APIRequest) async throws -> APIResponse {
        try await CachedStore.sharingOnePass { try await answer(request) }
    }

    private func answer(_ request: APIRequest) async throws -> APIResponse {
        // A client may leave out the port that is the scheme's own, or reach us through a forwarded one.
        let name = request.host.split(separator: ":").first.map(String.init) ?? ""
        let domain = vaultSuffix.split(separator: ":").first.map(String.init) ?? ""
        if name.hasSuffix("." + domain) { return try await vaults.handle(request) }
        if request.path.first?.lowercased() == "coffer" {
            if let clock, request.path.dropFirst().first == "clock" { return try await clock.handle(request) }
            if audit.handles(request.path) { return try await audit.handle(request) }
            return try await disks.handle(request)
        }
        if DiskAccessHandler.handles(request.path) { return try await diskAccess.handle(request) }
        if BootDiagnosticsHandler.handles(request.path) { return try await bootDiagnostics.handle(request) }
        let path = request.path.filter { !$0.isEmpty }
        if isTokenPath(path) { return try await tokens.handle(request) }
        if isDirectoryPath(path) { return try await directory.handle(request) }
        return try await resources.handle(request)
    }
}
