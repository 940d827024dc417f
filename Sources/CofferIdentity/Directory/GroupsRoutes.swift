import CofferModel
import CofferPlatform

/// `/groups` and their members. Decodes, calls ``GroupService``, encodes.
struct GroupsRoutes {
    let service: GroupService
    let objects: DirectoryObjectsRoutes
    let answer: GraphAnswer

    private struct Body: Decodable {
        let displayName: String?
        let mailNickname: String?
        let description: String?
        let mailEnabled: Bool?
        let securityEnabled: Bool?
        let members: [String]?

        enum CodingKeys: String, CodingKey {
            case displayName, mailNickname, description, mailEnabled, securityEnabled
            case members = "members@odata.bind"
        }

        var draft: GroupService.Draft {
            GroupService.Draft(displayName: displayName, mailNickname: mailNickname, description: description)
        }

        /// Groups are for permissions; they have no mailbox.
        func check() throws(APIError) {
            guard mailEnabled != true, securityEnabled != false else {
                throw .badDirectoryRequest("A group here is a security group without mail: mailEnabled false, securityEnabled true.", "mailEnabled")
            }
            guard members?.isEmpty != false else {
                throw .badDirectoryRequest("Make the group first, then add its members: `az ad group member add`.", "members@odata.bind")
            }
        }
    }

    /// `{"@odata.id": "https://…/directoryObjects/{id}"}`
    private struct Reference: Decodable {
        let url: String

        enum CodingKeys: String, CodingKey {
            case url = "@odata.id"
        }

        var id: String { url.split(separator: "/").last.map(String.init) ?? "" }
    }

    func handle(_ call: GraphCall) async throws -> APIResponse {
        let request = call.request
        switch (request.method, call.words.count) {
        case (.get, 1): return try answer.page(await service.list(DirectoryPageRequest(request)), of: "groups", request)
        case (.post, 1):
            let grant = try await call.permit()
            let body = try request.decode(Body.self)
            try body.check()
            return try answer.one(await service.add(body.draft, by: grant).graphJSON, of: "groups", status: 201)
        case (.get, 2): return try answer.one(await service.get(call.path[1]).graphJSON, of: "groups")
        case (.patch, 2):
            let grant = try await call.permit()
            let body = try request.decode(Body.self)
            try body.check()
            try await service.update(call.path[1], body.draft, by: grant)
            return .noContent
        case (.delete, 2):
            try await service.remove(call.path[1], by: call.permit())
            return .noContent
        case (.get, 3) where call.words[2] == "members" || call.words[2] == "transitivemembers":
            let members = try await service.members(of: call.path[1], isTransitive: call.words[2] == "transitivemembers")
            return try answer.list(members.map(answer.object))
        case (.post, 4) where call.words[2] == "members" && call.words[3] == "$ref":
            let grant = try await call.permit()
            try await service.addMember(request.decode(Reference.self).id, to: call.path[1], by: grant)
            return .noContent
        case (.delete, 5) where call.words[2] == "members" && call.words[4] == "$ref":
            try await service.removeMember(call.path[3], from: call.path[1], by: call.permit())
            return .noContent
        default: return try await objects.question(call)
        }
    }
}
