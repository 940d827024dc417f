import CofferModel
import CofferPlatform

/// `Microsoft.Compute/images`. Decodes, calls ``ImagesService``, encodes; decides nothing.
struct ImagesRoutes: Sendable {
    static let type = "images"

    let service: ImagesService

    private struct TagsBody: Decodable {
        let tags: [String: String]?
    }

    /// - Parameter path: The segments after `images`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.images(in: scope).map(ImageResource.init)))
        }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        switch method {
        case .get, .head: return try answer(try await service.image(id, by: request.grant), isRead: true)
        case .put:
            return try answer(try await service.put(id, as: ImageSpecification(request.http.decode(ImageBody.self)), by: request.grant))
        case .patch:
            let tags = try request.http.decode(TagsBody.self).tags.map(Tags.checked)
            return try answer(try await service.patch(id, tags: tags, by: request.grant))
        case .delete: return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func answer(_ image: ShownImage, isRead: Bool = false) throws -> APIResponse {
        let isComing = image.phase == .creating
        // Azure's client takes 201 for one that is still being made, and not 202.
        return try .json(
            ImageResource(image), status: isComing && !isRead ? 201 : 200, headers: isComing ? ["x-ms-retry-after-ms": "500"] : [:])
    }
}
