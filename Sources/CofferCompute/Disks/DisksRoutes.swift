import CofferCore
import CofferModel
import CofferPlatform

/// `Microsoft.Compute/disks`. Decodes, calls ``DisksService``, encodes; decides nothing.
struct DisksRoutes: Sendable {
    static let type = "disks"

    let service: DisksService
    let access: DiskAccessRoutes
    let clock: any WallClock

    /// - Parameter path: The segments after `disks`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        let now = clock.now()
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.disks(in: scope).map { DiskResource(ShownDisk(record: $0), at: now) }))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        if let verb = DiskAccessRoutes.Verb(path, method) { return try await access.handle(request, id, verb) }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        switch method {
        case .get, .head:
            return try .json(try await service.disk(id, by: request.grant), at: now, isRead: true)
        case .put:
            return try .json(try await service.put(id, as: specification(request), by: request.grant), at: now)
        case .patch:
            return try .json(try await service.patch(id, with: specification(request), by: request.grant), at: now)
        case .delete:
            return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post:
            throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func specification(_ request: ARMRequest) throws -> DiskSpecification {
        try DiskSpecification(request.http.decode(DiskBody.self))
    }
}

extension APIResponse {
    /// A disk or snapshot. One that is still being made, or whose encryption is changing, is answered with 202 to the request for that;
    /// clients look again until its state is one to stay.
    static func json(_ disk: ShownDisk, at now: Timestamp, isRead: Bool = false) throws -> APIResponse {
        let isComing = disk.record.phase == .creating || disk.record.isChangingEncryption
        return try .json(
            DiskResource(disk, at: now), status: isComing && !isRead ? 202 : 200, headers: isComing ? ["x-ms-retry-after-ms": "500"] : [:])
    }
}
