import CofferModel
import CofferPlatform

/// `beginGetAccess` and `endGetAccess` of disks and snapshots. Decodes, calls ``DiskAccessService``, encodes, and has both recorded.
struct DiskAccessRoutes: Sendable {
    let service: DiskAccessService
    let trail: DiskAuditTrail

    /// One of the two actions.
    enum Verb: String, Sendable {
        case begin = "begingetaccess"
        case end = "endgetaccess"

        /// - Parameter path: The segments from the resource's name on.
        init?(_ path: [String], _ method: APIRequest.Method) {
            guard path.count == 2, method == .post else { return nil }
            self.init(rawValue: path[1].lowercased())
        }

        var auditName: String {
            switch self {
            case .begin: "DiskGrantAccess"
            case .end: "DiskRevokeAccess"
            }
        }
    }

    func handle(_ request: ARMRequest, _ id: ResourceID, _ verb: Verb) async throws -> APIResponse {
        try await trail.recording(verb.auditName, on: id, request.http, by: request.grant.caller) {
            switch verb {
            case .begin:
                let wanted = try DiskAccessSpecification(request.http.decode(DiskAccessSpecification.Body.self))
                return accepted(try await service.grant(id, wanted, by: request.grant).operationText)
            case .end:
                try await service.revoke(id, by: request.grant)
                return accepted("\(service.authority)/\(DiskAccessURL.root)/\(DiskAccessURL.ended)/\(DiskAccessURL.operation)")
            }
        }
    }

    /// 202: the result is at an address that clients look at next. Both have ended when this is answered; the address of a grant has
    /// the secret, which is kept nowhere.
    private func accepted(_ address: String) -> APIResponse {
        APIResponse(status: 202, headers: [
            "location": address, "azure-asyncoperation": address, "x-ms-retry-after-ms": "50",
        ])
    }
}
