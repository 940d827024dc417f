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
        if Self.isBelow(Self.withoutPort(vaultSuffix), Self.withoutPort(request.host)) { return try await vaults.handle(request) }
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

    private static func withoutPort(_ host: String) -> Substring.UTF8View {
        host.utf8.prefix { $0 != UInt8(ascii: ":") }
    }

    /// Whether `host` is a name in `domain`.
    private static func isBelow(_ domain: Substring.UTF8View, _ host: Substring.UTF8View) -> Bool {
        let (length, whole) = (domain.count, host.count)
        guard whole > length else { return false }
        return host.dropFirst(whole - length).elementsEqual(domain) && host.dropFirst(whole - length - 1).first == UInt8(ascii: ".")
    }
}
