import CofferModel
import CofferPlatform

/// `Microsoft.Compute/disks`. Decodes, calls ``DisksService``, encodes; decides nothing.
struct DisksRoutes: Sendable {
    static let type = "disks"

    let service: DisksService

    /// - Parameter path: The segments after `disks`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.disks(in: scope).map { DiskResource(ShownDisk(record: $0)) }))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        if path.count == 2, method == .post, ["begingetaccess", "endgetaccess"].contains(path[1].lowercased()) {
            throw APIError.notServedYet("Access to a disk by a shared access signature is", target: nil)
        }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        switch method {
        case .get, .head:
            return try .json(try await service.disk(id, by: request.grant), isRead: true)
        case .put:
            return try .json(try await service.put(id, as: specification(request), by: request.grant))
        case .patch:
            return try .json(try await service.patch(id, with: specification(request), by: request.grant))
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
    static func json(_ disk: ShownDisk, isRead: Bool = false) throws -> APIResponse {
        let isComing = disk.record.phase == .creating || disk.record.isChangingEncryption
        return try .json(
            DiskResource(disk), status: isComing && !isRead ? 202 : 200, headers: isComing ? ["x-ms-retry-after-ms": "500"] : [:])
    }
}
