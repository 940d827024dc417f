import CofferCore
import CofferModel
package import CofferPlatform

/// Answers `/disk-access/…`, where the secret in the URL is all that is asked for: the disk as a page blob, and the operation that
/// granted access. The first use of an access is recorded, and so is every use that is refused.
package struct DiskAccessHandler: APIHandler {
    let service: DiskAccessService
    let blobs: PageBlobRoutes
    let trail: DiskAuditTrail

    /// Whether a path is one of these.
    package static func handles(_ path: [String]) -> Bool { path.first?.lowercased() == DiskAccessURL.root }

    /// Refusals are answers here, since the clients of blobs read them as XML.
    package func handle(_ request: APIRequest) async throws -> APIResponse {
        do {
            return try await answer(request)
        } catch let refusal as APIError {
            return .blobRefusal(refusal)
        }
    }

    private func answer(_ request: APIRequest) async throws -> APIResponse {
        guard request.path.count == 3 else { throw APIError.blobAuthenticationFailed }
        let (id, name) = (request.path[1], request.path[2])
        if id == DiskAccessURL.ended, name == DiskAccessURL.operation { return try .json(["status": "Succeeded"] as JSONValue) }
        guard let secret = request.parameter("sig"), let (disk, access) = try await service.access(id, secret: secret) else {
            return try await refuse(id, request)
        }
        switch name {
        case DiskAccessURL.operation: return try show(access, secret)
        case DiskAccessURL.blob: return try await use(access, secret, of: disk, request)
        default: throw APIError.blobAuthenticationFailed
        }
    }

    private func use(_ access: DiskAccess, _ secret: String, of disk: DiskRecord, _ request: APIRequest) async throws -> APIResponse {
        let call = try PageBlobCall(request, byteCount: disk.byteCount + UInt64(VHDFooter.byteCount))
        let isAllowed = access.level == .write || !call.changes
        guard access.isUsed, isAllowed else {
            let answer = try await trail.recording("DiskUseAccess", on: disk.id, request, by: nil, object: access.id) {
                guard isAllowed else { throw APIError.blobPermissionMismatch }
                return try await self.answer(call, request, disk, access, secret)
            }
            try await service.noteUse(access, of: disk)
            return answer
        }
        return try await self.answer(call, request, disk, access, secret)
    }

    private func answer(
        _ call: PageBlobCall, _ request: APIRequest, _ disk: DiskRecord, _ access: DiskAccess, _ secret: String
    ) async throws -> APIResponse {
        try await blobs.answer(call, request, on: disk, under: access) {
            try await service.access(access.id, secret: secret) != nil
        } previous: { url in
            guard let (id, secret) = DiskAccessURL.parts(of: url) else { return nil }
            return try await service.access(id, secret: secret)?.disk
        }
    }

    /// What is refused is recorded where it is known which disk was meant; the answer does not tell.
    private func refuse(_ id: String, _ request: APIRequest) async throws -> APIResponse {
        guard let disk = try await service.place(id) else { throw APIError.blobAuthenticationFailed }
        return try await trail.recording("DiskUseAccess", on: disk, request, by: nil, object: id) { throw APIError.blobAuthenticationFailed }
    }

    /// The result of `beginGetAccess` in both forms that clients know: as the result itself, and as an operation that has ended.
    private func show(_ access: DiskAccess, _ secret: String) throws -> APIResponse {
        let url = DiskAccessURL(authority: service.authority, access: access, secret: secret).blobText
        return try .json(
            [
                "name": .string(access.id), "status": "Succeeded", "accessSAS": .string(url),
                "properties": ["output": ["accessSAS": .string(url)]],
            ] as JSONValue, headers: ["cache-control": "no-store"])
    }
}
