import CofferModel
package import CofferPlatform

/// Answers `/boot-diagnostics/…`, where the secret in the URL is all that is asked for: a machine's console log. Each use is recorded.
package struct BootDiagnosticsHandler: APIHandler {
    let service: BootDiagnosticsService
    let trail: DiskAuditTrail

    /// Whether a path is one of these.
    package static func handles(_ path: [String]) -> Bool { path.first?.lowercased() == ConsoleLogAccess.root }

    package func handle(_ request: APIRequest) async throws -> APIResponse {
        guard request.method == .get || request.method == .head else {
            throw APIError.methodNotAllowed(request.method.rawValue, ConsoleLogAccess.root)
        }
        guard request.path.count == 3, request.path[2] == ConsoleLogAccess.fileName, let secret = request.parameter("sig"),
            let place = try await service.place(request.path[1])
        else { throw APIError.consoleLogAccessRefused }
        return try await trail.recording("MachineReadConsoleLog", on: place, request, by: nil, object: request.path[1]) {
            let log = try await service.consoleLog(request.path[1], secret: secret)
            // What a guest writes is nobody's page: a browser must not take it for one.
            return APIResponse(
                status: 200,
                headers: [
                    "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", "x-content-type-options": "nosniff",
                ], body: log)
        }
    }
}
