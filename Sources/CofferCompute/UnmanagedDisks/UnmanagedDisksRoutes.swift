import CofferCore
import CofferModel
import CofferPlatform

/// `Microsoft.Compute/unmanagedDisks`, a type of Coffer's own. Decodes, calls ``UnmanagedDisksService``, encodes; decides nothing.
struct UnmanagedDisksRoutes: Sendable {
    static let type = "unmanagedDisks"

    let service: UnmanagedDisksService
    let settings: ComputeSettings

    /// The body of a PUT.
    private struct Body: Decodable {
        struct Properties: Decodable {
            /// A file in the import directory, as a disk's `creationData.sourceUri`.
            let sourceUri: String?
            let osType: String?
        }

        let location: String?
        let tags: [String: String]?
        let properties: Properties?
    }

    /// - Parameter path: The segments after `unmanagedDisks`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.disks(in: scope).map { UnmanagedDiskResource(ShownDisk(record: $0), settings) }))
        }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        switch method {
        case .get, .head: return try answer(try await service.disk(id, by: request.grant), isRead: true)
        case .put:
            let body = try request.http.decode(Body.self)
            guard let uri = body.properties?.sourceUri, !uri.isEmpty else {
                throw APIError.invalidParameter(
                    "Required parameter 'properties.sourceUri' is missing (null): name the file that the disk is read from.", target: "sourceUri")
            }
            let wish = UnmanagedDisksService.Wish(
                location: body.location.map(Location.canonical) ?? settings.region, tags: try Tags.checked(body.tags ?? [:]), uri: uri,
                osType: body.properties?.osType)
            return try answer(try await service.importDisk(id, wish, by: request.grant))
        case .delete: return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post, .patch: throw APIError.methodNotAllowed(method.rawValue, id.text)
        }
    }

    private func answer(_ shown: ShownDisk, isRead: Bool = false) throws -> APIResponse {
        let isComing = shown.record.phase == .creating
        return try .json(
            UnmanagedDiskResource(shown, settings), status: isComing && !isRead ? 202 : 200,
            headers: isComing ? ["x-ms-retry-after-ms": "500"] : [:])
    }
}

/// An unmanaged disk as it is shown.
struct UnmanagedDiskResource: Encodable, Sendable {
    struct Properties: Encodable, Sendable {
        /// For a virtual machine's `vhd.uri`.
        let uri: String
        let diskSizeBytes: UInt64
        let encryption = "None"
        let osType: String?
        /// RFC 3339.
        let timeCreated: String
        let provisioningState: String
        /// Why it failed.
        let reason: String?
        /// How much of it is imported, of 100.
        let completionPercent: Double?
    }

    let id: String
    let name: String
    let type: String
    let location: String
    let tags: [String: String]
    /// The virtual machine that it belongs to.
    let managedBy: String?
    let properties: Properties

    init(_ shown: ShownDisk, _ settings: ComputeSettings) {
        let disk = shown.record
        id = disk.id.text
        name = disk.id.name
        type = disk.id.resourceType ?? ""
        location = disk.location
        tags = disk.tags
        managedBy = disk.machine?.text
        properties = Properties(
            uri: UnmanagedDiskURL(disk.id).text(at: settings.authority), diskSizeBytes: disk.byteCount, osType: disk.labels.osType,
            timeCreated: disk.created.description, provisioningState: disk.provisioningState, reason: disk.phase == .failed ? disk.reason : nil,
            completionPercent: shown.percent)
    }
}
