import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting

@testable import CofferIdentity

extension Fixture {
    var assignments: RoleAssignmentService {
        RoleAssignmentService(store: store, clock: clock, bell: bell, settings: settings)
    }

    var roles: RoleDefinitionService {
        RoleDefinitionService(store: store, clock: clock, bell: bell, settings: settings)
    }

    /// Sends a request to Microsoft.Authorization as the resource manager does: the permission first.
    ///
    /// - Parameter path: What follows `{scope}/providers/Microsoft.Authorization/`.
    func authorization(
        _ method: APIRequest.Method, _ path: String, at scope: ResourceID, filter: String? = nil, body: JSONValue? = nil,
        as caller: Caller? = nil
    ) async throws -> APIResponse {
        let parts = path.split(separator: "/").map(String.init)
        let extended = scope.text == "/" ? "" : scope.text
        let verb = switch method {
        case .get, .head: "read"
        case .delete: "delete"
        case .put, .post, .patch: "write"
        }
        let whole = "\(extended)/providers/Microsoft.Authorization/" + path
        let place = parts.count > 1 ? ResourceID(whole) ?? scope : scope
        let action = Action.management("Microsoft.Authorization/\(parts.first ?? "")/\(verb)")
        let grant = try await authorizer.grant(action, to: caller ?? administrator, on: place)
        let http = request(
            method, whole, query: filter.map { [(name: "$filter", value: $0)] } ?? [],
            body: body.flatMap { try? String(decoding: JSON.encode($0), as: UTF8.self) } ?? ""
        )
        return try await AuthorizationProvider(service: assignments, roles: roles).handle(
            ARMRequest(
                http: http, path: parts, subscription: scope.subscription ?? settings.subscriptionID, group: scope.group,
                grant: grant
            )
        )
    }

    /// Gives a role as the administrator and returns the assignment's name.
    @discardableResult
    func assign(
        _ role: String, to principal: String, at scope: ResourceID, type: JSONValue = .null, name: String = GUID.make()
    ) async throws -> String {
        let body = assignment(role, principal, type: type)
        _ = try await authorization(.put, "roleAssignments/\(name)", at: scope, body: body)
        return name
    }

    /// The body that `az role assignment create` sends.
    func assignment(_ role: String, _ principal: String, type: JSONValue = "ServicePrincipal") -> JSONValue {
        let id = BuiltInRoles.all.first { $0.name == role }?.id ?? role
        return [
            "properties": [
                "principalId": .string(principal), "principalType": type,
                "roleDefinitionId": .string(
                    "/subscriptions/\(settings.subscriptionID)/providers/Microsoft.Authorization/roleDefinitions/\(id)"
                ),
            ]
        ]
    }

    /// What was told to those who follow keys.
    func keyChanges() async throws -> [KeyChange] {
        try await store.read { try $0.events(in: KeyChange.stream, after: 0, limit: 1000) }
            .map { try JSON.decode(KeyChange.self, from: $0.body) }
    }
}
