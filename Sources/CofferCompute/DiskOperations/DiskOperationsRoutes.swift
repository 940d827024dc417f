import CofferCore
import CofferModel
import CofferPlatform

/// Coffer's own operations on disks over HTTP. Decodes, calls ``DiskOperationsService``, encodes; decides nothing.
struct DiskOperationsRoutes: Sendable {
    let service: DiskOperationsService
    let holders: HoldersService
    let settings: ComputeSettings

    /// The body of `exportKey`.
    private struct ExportBody: Decodable {
        let recipientKey: String
    }

    /// The body of `changes`.
    private struct ChangesBody: Decodable {
        /// The id of the earlier snapshot.
        let since: String
    }

    func answer(_ call: DiskOperationCall, _ request: APIRequest, by grant: Grant) async throws -> APIResponse {
        switch call.operation {
        case .list:
            let found = try await service.list(in: call.scope, by: grant)
            return try .json(InspectedDiskList(value: found.disks.map(show), refused: found.refused))
        case .attach: return try .json(show(try await service.attach(call.scope, by: grant)))
        case .detach: return try .json(show(try await service.detach(call.scope, by: grant)))
        case .inspect: return try .json(show(try await service.inspect(call.scope, by: grant)))
        case .stats:
            let (record, statistics) = try await service.statistics(call.scope, by: grant)
            return try .json(DiskStatisticsResource(record, statistics))
        case .exportKey:
            let body = try request.decode(ExportBody.self)
            guard let publicKey = Base64URL.decode(body.recipientKey), publicKey.count == 32 else {
                throw APIError.recipientKeyNotValid
            }
            let key = try await service.exportKey(call.scope, to: publicKey, by: grant)
            return try .json(
                ExportedKeyResource(key, disksPath: settings.disksPath), headers: ["cache-control": "no-store"])
        case .changes:
            let text = try request.decode(ChangesBody.self).since
            guard let base = ResourceID(text), base.isType("Microsoft.Compute/snapshots") else { throw APIError.changesBaseNotValid }
            return try .json(ChangesResource(changes: try await service.changes(call.scope, since: base, by: grant)))
        case .dataKeys: return try .json(HolderReportResource(try await holders.holders(in: call.scope, by: grant)))
        case .keyImpact:
            let text = request.parameter("key") ?? ""
            guard let key = KeyReference(text) else { throw APIError.keyReferenceNotValid(text) }
            return try .json(KeyImpactResource(try await holders.impact(of: key, in: call.scope, by: grant), of: key))
        case .status: return try .json(RotationProgressResource(try await holders.progress(of: call.scope, by: grant)))
        case .holes: return try .json(HolesResource(holes: try await service.holes(call.scope, by: grant)))
        }
    }

    private func show(_ disk: InspectedDisk) -> InspectedDiskResource {
        InspectedDiskResource(disk, disksPath: settings.disksPath)
    }
}
