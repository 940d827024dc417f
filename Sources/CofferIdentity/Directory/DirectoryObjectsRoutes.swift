import CofferModel
import CofferPlatform

/// `/directoryObjects`, and the questions about groups that can be asked of every object. Decodes, calls ``PrincipalService``, encodes.
struct DirectoryObjectsRoutes {
    let service: PrincipalService
    let answer: GraphAnswer

    private struct IDsBody: Decodable {
        let ids: [String]
        let types: [String]?
    }

    private struct GroupIDsBody: Decodable {
        let groupIds: [String]
    }

    func handle(_ call: GraphCall) async throws -> APIResponse {
        switch (call.request.method, call.words.count) {
        case (.post, 2) where call.words[1] == "getbyids": return try await byIDs(call.request)
        case (.get, 2): return try answer.one(answer.object(await service.object(call.path[1])), of: "directoryObjects")
        default: return try await question(call)
        }
    }

    /// `/{collection}/{id}/memberOf` and its like.
    func question(_ call: GraphCall) async throws -> APIResponse {
        guard call.words.count == 3 else { throw call.notFound }
        let object = try await service.object(call.path[1])
        switch (call.request.method, call.words[2]) {
        case (.get, "memberof"), (.get, "transitivememberof"):
            let ids = try await service.groups(of: object.objectID, isDirectOnly: call.words[2] == "memberof")
            return try answer.list(await service.objects(ids).map(answer.object))
        case (.post, "getmembergroups"), (.post, "getmemberobjects"):
            return try answer.ids(await service.groups(of: object.objectID))
        case (.post, "checkmembergroups"):
            let wanted = try call.request.decode(GroupIDsBody.self).groupIds
            guard wanted.count <= 20 else { throw APIError.badDirectoryRequest("Too many groupIds: \(wanted.count), at most 20.", "groupIds") }
            let groups = Set(try await service.groups(of: object.objectID))
            return try answer.ids(wanted.filter { groups.contains($0.lowercased()) })
        case (.get, "owners"), (.get, "ownedobjects"):
            // Nobody owns an object of the directory: a role says who may write it.
            return try answer.list([])
        default: throw call.notFound
        }
    }

    private func byIDs(_ request: APIRequest) async throws -> APIResponse {
        let body = try request.decode(IDsBody.self)
        guard body.ids.count <= 1000 else {
            throw APIError.badDirectoryRequest("Too many ids: \(body.ids.count), at most 1000.", "ids")
        }
        let types = body.types.map { Set($0.map { $0.lowercased() }) }
        let found = try await service.objects(body.ids).filter { object in
            types.map { $0.contains("directoryobject") || $0.contains(object.type.rawValue.lowercased()) } ?? true
        }
        return try answer.list(found.map(answer.object))
    }
}
