import CofferModel
import CofferPlatform

/// The paths of one type of Microsoft.Network and of its children. Decodes, calls ``NetworkService``, encodes; decides nothing.
struct NetworkRoutes: Sendable {
    let service: NetworkService
    let type: any NetworkType
    /// What there is in the namespace, for who asks for something else.
    let served: [String]

    /// - Parameter path: The segments after the type.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, type.name) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(["value": .array(try await service.resources(of: type, in: scope).map(\.body))] as JSONValue)
        }
        try NetworkName.check(name)
        guard let group = request.group else { throw APIError.networkGroupRequired }
        let id = ResourceID(subscription: request.subscription, group: group, namespace: "Microsoft.Network", type: type.name, name: name)
        guard path.count > 1 else { return try await resource(request, id) }
        if path.count == 2, method == .get, let question = type.shape.questions.first(where: { $0.lowercased() == path[1].lowercased() }) {
            return try .json(await service.answer(question, of: id, of: type, by: request.grant) { request.http.parameter($0) })
        }
        guard let shape = type.shape.children.first(where: { $0.type.lowercased() == path[1].lowercased() }), path.count <= 3 else {
            throw APIError.networkTypeNotServed(request.path, served: served)
        }
        guard path.count == 3 else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, "\(id.text)/\(shape.type)") }
            return try .json(["value": .array(try await service.children(shape, of: id, of: type, by: request.grant))] as JSONValue)
        }
        return try await child(request, path[2], shape, of: id)
    }

    private func resource(_ request: ARMRequest, _ id: ResourceID) async throws -> APIResponse {
        let condition = NetworkPrecondition(request.http)
        switch request.http.method {
        case .get, .head:
            return try .json(await service.resource(id, of: type, by: request.grant))
        case .put:
            let draft = try NetworkDraft(request.http.decode(JSONValue.self), of: id, shape: type.shape)
            let (document, isNew) = try await service.put(id, of: type, as: draft, if: condition, by: request.grant)
            return try .json(document, status: isNew ? 201 : 200)
        case .patch:
            let body = try request.http.decode(TagsBody.self)
            guard body.properties == nil else { throw APIError.patchChangesTags(id) }
            let tags = body.tags ?? [:]
            return try .json(await service.setTags(Tags.checked(tags), of: id, of: type, if: condition, by: request.grant))
        case .delete:
            return try await service.delete(id, of: type, if: condition, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post:
            throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func child(_ request: ARMRequest, _ name: String, _ shape: NetworkShape, of id: ResourceID) async throws -> APIResponse {
        try NetworkName.check(name)
        let condition = NetworkPrecondition(request.http)
        switch request.http.method {
        case .get, .head:
            return try .json(await service.child(name, shape, of: id, of: type, by: request.grant))
        case .put where shape.isWritable:
            let child = try NetworkDraft.child(request.http.decode(JSONValue.self), named: name, of: id, shape: shape)
            let (document, isNew) = try await service.putChild(child, shape, of: id, of: type, if: condition, by: request.grant)
            return try .json(document, status: isNew ? 201 : 200)
        case .delete where shape.isWritable:
            let isThere = try await service.deleteChild(name, shape, of: id, of: type, if: condition, by: request.grant)
            return isThere ? APIResponse(status: 200) : .noContent
        default:
            throw APIError.methodNotAllowed(request.http.method.rawValue, "\(id.text)/\(shape.type)/\(name)")
        }
    }

    /// A PATCH changes tags and nothing else.
    private struct TagsBody: Decodable {
        let tags: [String: String]?
        let properties: JSONValue?
    }
}

extension APIResponse {
    fileprivate static func json(_ document: NetworkDocument, status: Int = 200) throws -> APIResponse {
        try .json(document.body, status: status, headers: ["etag": document.etag])
    }
}
