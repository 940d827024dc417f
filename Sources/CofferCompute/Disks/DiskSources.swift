import CofferModel
import CofferPlatform

/// Finds what a disk, snapshot or image is to be made of.
struct DiskSources: Sendable {
    let store: any Store
    let authorizer: any Authorizer

    /// The disk or snapshot that a request names, or the disk of an image.
    ///
    /// - Parameters:
    ///   - types: The types that it may have, such as `disks`.
    ///   - lun: Of an image, which of its data disks; nil is its OS disk.
    ///   - target: What is to be made, in the same subscription.
    /// - Throws: ``APIError`` if there is no such resource that can be used, or the caller may not read it.
    func source(
        _ id: ResourceID, types: [String], lun: Int? = nil, for target: ResourceID, location: String, by grant: Grant
    ) async throws -> DiskRecord {
        guard let type = types.first(where: { id.isType("\(ResourceID.computeNamespace)/\($0)") }), id.group != nil else {
            throw APIError.sourceNotValid(id.text, types: types)
        }
        guard id.subscription?.lowercased() == target.subscription?.lowercased() else {
            throw APIError.sourceInOtherSubscription(id)
        }
        let action = Action.management("\(ResourceID.computeNamespace)/\(type)/read")
        try await authorizer.require(action, on: id, linkedFrom: target, by: grant)
        let place = type == ImagesRoutes.type ? ImageRecord.part(id, lun: lun) : id
        guard let record = try await store.read({ try $0.disk(place) }) else { throw APIError.sourceNotFound(id, lun: lun) }
        guard record.phase == .succeeded else { throw APIError.diskIsChanging(record.id) }
        guard !record.isAwaitingUpload else { throw APIError.diskAwaitsUpload(record.id) }
        guard record.location == location else { throw APIError.sourceInOtherRegion(id, record.location, asked: location) }
        return record
    }
}
