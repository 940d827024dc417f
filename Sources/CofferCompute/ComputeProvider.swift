package import CofferModel
package import CofferPlatform

/// The namespace `Microsoft.Compute` of Azure Resource Manager.
package struct ComputeProvider: ResourceProvider {
    package let namespace = ResourceID.computeNamespace
    package let types = [
        ResourceTypeDescription(EncryptionSetsRoutes.type, since: "2019-07-01"),
        ResourceTypeDescription(DisksRoutes.type, since: "2016-04-30-preview"),
        ResourceTypeDescription(SnapshotsRoutes.type, since: "2016-04-30-preview"),
        ResourceTypeDescription(UnmanagedDisksRoutes.type, since: "2024-03-02"),
        ResourceTypeDescription(ImagesRoutes.type, since: "2016-04-30-preview"),
        ResourceTypeDescription(MachinesRoutes.type, since: "2015-06-15"),
        ResourceTypeDescription(AvailabilitySetsRoutes.type, since: "2015-06-15"),
        ResourceTypeDescription(LocationsRoutes.type, since: "2015-06-15"),
        ResourceTypeDescription(LocationsRoutes.skusType, since: "2017-03-30"),
    ]

    let sets: EncryptionSetsRoutes
    let disks: DisksRoutes
    let unmanagedDisks: UnmanagedDisksRoutes
    let snapshots: SnapshotsRoutes
    let images: ImagesRoutes
    let machines: MachinesRoutes
    let availabilitySets: AvailabilitySetsRoutes
    let locations: LocationsRoutes

    /// - Throws: ``APIError``.
    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = request.path.filter { !$0.isEmpty }
        switch path.first?.lowercased() {
        case EncryptionSetsRoutes.type.lowercased(): return try await sets.handle(request, path: Array(path.dropFirst()))
        case DisksRoutes.type: return try await disks.handle(request, path: Array(path.dropFirst()))
        case UnmanagedDisksRoutes.type.lowercased(): return try await unmanagedDisks.handle(request, path: Array(path.dropFirst()))
        case SnapshotsRoutes.type: return try await snapshots.handle(request, path: Array(path.dropFirst()))
        case ImagesRoutes.type: return try await images.handle(request, path: Array(path.dropFirst()))
        case MachinesRoutes.type.lowercased(): return try await machines.handle(request, path: Array(path.dropFirst()))
        case AvailabilitySetsRoutes.type.lowercased(): return try await availabilitySets.handle(request, path: Array(path.dropFirst()))
        case LocationsRoutes.type: return try await locations.handle(request, path: Array(path.dropFirst()))
        case LocationsRoutes.skusType where path.count == 1: return try locations.skus(request)
        default: throw APIError.computeTypeNotServed(path)
        }
    }

    /// Virtual machines, availability sets, disks, snapshots, images and disk encryption sets, for lists over all types.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        let scope = ResourceID(subscription: subscription, group: group)
        let records = try await disks.service.disks(in: scope) + snapshots.service.snapshots(in: scope) + unmanagedDisks.service.disks(in: scope)
        let disks = records.map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        let images = try await images.service.images(in: scope).map(\.record)
            .map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        let sets = try await sets.service.sets(in: scope).map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        let machines = try await machines.service.machines(in: scope).map(\.record)
            .map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        let availabilitySets = try await availabilitySets.service.sets(in: scope).map(\.record)
            .map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
        return machines + availabilitySets + disks + images + sets
    }

    /// Deletes a virtual machine, an availability set without machines, a disk that is not attached, a snapshot, an image, or a set that none of them uses.
    ///
    /// - Throws: ``APIError`` with the code `OperationNotAllowed` if it is in use.
    package func delete(_ id: ResourceID, by grant: Grant) async throws {
        if id.isType("Microsoft.Compute/virtualMachines") {
            _ = try await machines.service.delete(id, isForced: true, by: grant)
        } else if id.isType("Microsoft.Compute/availabilitySets") {
            _ = try await availabilitySets.service.delete(id, by: grant)
        } else if id.isType("Microsoft.Compute/disks") {
            _ = try await disks.service.delete(id, by: grant)
        } else if id.isUnmanagedDisk {
            _ = try await unmanagedDisks.service.delete(id, by: grant)
        } else if id.isType("Microsoft.Compute/snapshots") {
            _ = try await snapshots.service.delete(id, by: grant)
        } else if id.isType("Microsoft.Compute/images") {
            _ = try await images.service.delete(id, by: grant)
        } else if id.isType("Microsoft.Compute/diskEncryptionSets") {
            _ = try await sets.service.delete(id, by: grant)
        } else {
            throw APIError.computeTypeNotServed(id.segments.flatMap { [$0.type, $0.name] })
        }
    }
}
