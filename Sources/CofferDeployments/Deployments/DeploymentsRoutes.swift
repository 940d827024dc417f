import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates

/// `{scope}/providers/Microsoft.Resources/deployments…`: decodes, calls the services, encodes.
struct DeploymentsRoutes: Sendable {
    let service: DeploymentsService
    let whatIf: WhatIfService
    let clock: any WallClock
    let settings: DeploymentsSettings

    /// Asks clients to poll soon.
    private static let polling = ["x-ms-retry-after-ms": "200"]

    /// `scope` is what is deployed to, and `rest` what follows `deployments`.
    func handle(_ request: ARMRequest, scope: ResourceID, rest: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = rest.first else {
            guard method == .get else { throw APIError.methodNotAllowed(method.rawValue, request.http.uri) }
            return try await list(request, scope)
        }
        guard let id = ResourceID("\(scope.text)/providers/Microsoft.Resources/deployments/\(name)") else { throw APIError.invalidDeploymentName() }
        switch (rest.dropFirst().first?.lowercased(), method) {
        case (nil, .put): return try await put(request, id)
        case (nil, .get): return try .json(try await service.deployment(id).document(at: clock.now()))
        case (nil, .head):
            _ = try await service.deployment(id)
            return .noContent
        case (nil, .delete):
            _ = try await service.delete(id, by: request.grant)
            return .noContent
        case ("cancel", .post):
            try await service.cancel(id, by: request.grant)
            return .noContent
        case ("validate", .post): return try await validate(request, id)
        case ("whatif", .post): return try .json(try await whatIf.changes(id, request.http.body, correlationID: request.http.correlationID, by: request.grant))
        case ("exporttemplate", .post): return try .json(["template": try await service.template(of: id)] as JSONValue)
        case ("operations", .get): return try await operations(id, Array(rest.dropFirst(2)), request)
        case ("operationstatuses", .get): return try await status(id, Array(rest.dropFirst(2)))
        default: throw APIError.methodNotAllowed(method.rawValue, request.http.uri)
        }
    }

    private func put(_ request: ARMRequest, _ id: ResourceID) async throws -> APIResponse {
        let (record, isNew) = try await service.start(id, request.http.body, correlationID: request.http.correlationID, by: request.grant)
        let version = request.http.parameter("api-version") ?? "2021-04-01"
        var headers = Self.polling
        headers["azure-asyncoperation"] = "\(settings.authority)\(id.text)/operationStatuses/\(record.run)?api-version=\(version)"
        return try .json(record.document(at: clock.now()), status: isNew ? 201 : 200, headers: headers)
    }

    /// The poll of a PUT.
    private func status(_ id: ResourceID, _ rest: [String]) async throws -> APIResponse {
        let record = try await service.deployment(id)
        guard rest.count == 1, rest[0] == record.run else { throw APIError.deploymentOperationNotFound(rest.first ?? "") }
        var answer: [String: JSONValue] = ["status": .string(record.state.rawValue)]
        if let error = record.error { answer["error"] = error }
        return try .json(answer, headers: record.state.isTerminal ? [:] : Self.polling)
    }

    private func validate(_ request: ARMRequest, _ id: ResourceID) async throws -> APIResponse {
        let prepared = try await service.validated(id, request.http.body, by: request.grant)
        let plan = try prepared.plan()
        let resources = plan.resources.filter { $0.isWanted && !$0.isExisting }
        return try .json([
            "id": .string(id.text), "name": .string(id.name), "type": "Microsoft.Resources/deployments",
            "properties": [
                "templateHash": .string(prepared.shown.templateHash), "parameters": prepared.shown.parameters, "mode": .string(prepared.body.mode.rawValue),
                "provisioningState": "Succeeded", "timestamp": .string(clock.now().description), "duration": "PT0S",
                "correlationId": .string(request.http.correlationID), "providers": prepared.shown.providers, "dependencies": prepared.shown.dependencies,
                "validatedResources": .array(resources.map { ["id": .string($0.id.text)] }),
            ],
        ] as JSONValue)
    }

    private func list(_ request: ARMRequest, _ scope: ResourceID) async throws -> APIResponse {
        var records = try await service.deployments(of: scope)
        if let filter = request.http.parameter("$filter"), !filter.isEmpty {
            guard let match = filter.wholeMatch(of: /\s*provisioningState\s+eq\s+'([A-Za-z]+)'\s*/) else {
                throw APIError(
                    status: 400, code: "InvalidFilterInQueryString",
                    message: "The $filter '\(filter.prefix(200))' is not supported: deployments know provisioningState eq 'STATE'.")
            }
            records = records.filter { $0.state.rawValue.lowercased() == match.1.lowercased() }
        }
        let top = try top(request)
        return try .json(["value": .array(records.prefix(top).map { $0.document(at: clock.now()) })] as JSONValue)
    }

    private func operations(_ id: ResourceID, _ rest: [String], _ request: ARMRequest) async throws -> APIResponse {
        _ = try await service.deployment(id)
        let operations = try await service.operations(of: id)
        let now = clock.now()
        guard let wanted = rest.first else {
            return try .json(["value": .array(operations.prefix(try top(request)).map { $0.document(at: now) })] as JSONValue)
        }
        guard rest.count == 1, let operation = operations.first(where: { $0.operationID.lowercased() == wanted.lowercased() }) else {
            throw APIError.deploymentOperationNotFound(wanted)
        }
        return try .json(operation.document(at: now))
    }

    private func top(_ request: ARMRequest) throws -> Int {
        guard let text = request.http.parameter("$top") else { return Int.max }
        guard let top = Int(text), top >= 1 else { throw APIError.invalidParameter("$top must be a number of at least 1.", target: "$top") }
        return top
    }
}
