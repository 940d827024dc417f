import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates

/// Reads a deployment's body, gets its secrets, and plans it: what is wrong with a template is found here, before anything is deployed.
struct Preflight: Sendable {
    let door: any ResourceDoor
    let secrets: any SecretReader
    let clock: any WallClock
    let settings: DeploymentsSettings

    /// - Throws: ``APIError``.
    func prepare(_ bytes: [UInt8], as id: ResourceID, for caller: Caller) async throws -> PreparedDeployment {
        do {
            return try await prepare(DeploymentBody(bytes), as: id, for: caller)
        } catch let failure as TemplateFailure {
            throw failure.apiError
        }
    }

    func prepare(_ body: DeploymentBody, as id: ResourceID, for caller: Caller) async throws -> PreparedDeployment {
        do {
            guard let scope = id.parent, scope.namespace == nil, scope.subscription != nil else { throw APIError.invalidDeploymentName() }
            if scope.group == nil {
                guard body.location != nil else { throw APIError.deploymentLocationMissing() }
                guard body.mode == .incremental else { throw APIError.completeModeNotSupported() }
            }
            let surroundings = try await door.surroundings(of: scope)
            let template = try Template(body.template)
            let given = try await values(of: body.parameters, template, caller)
            let facts = facts(id, scope, body, surroundings, caller)
            let plan = try DeploymentPlan(template: template, given: given, facts: facts)
            try check(plan, surroundings)
            return PreparedDeployment(
                id: id, body: body, template: template, parameters: try plan.parameterValues(), facts: facts, surroundings: surroundings,
                shown: try shown(plan, body))
        } catch let failure as TemplateFailure {
            throw failure.apiError
        }
    }

    private func values(of given: [String: DeploymentBody.Parameter], _ template: Template, _ caller: Caller) async throws -> [String: JSONValue] {
        var values: [String: JSONValue] = [:]
        for (name, parameter) in given {
            switch parameter {
            case .value(let value): values[name.lowercased()] = value
            case .secret(let secret, let version, let vault):
                guard let declaration = template.parameters[name.lowercased()] else { throw APIError.invalidRequestContent("the parameter '\(name.prefix(100))' is not declared in the template") }
                guard template.isSecure(declaration) else { throw APIError.secretForPlainParameter(name) }
                let value = try await secrets.deploymentSecret(secret, version: version, in: vault, for: caller)
                let text = value.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
                values[name.lowercased()] = template.isObject(declaration) ? try TemplateReader.read(Array(text.utf8)) : .string(text)
            }
        }
        return values
    }

    private func facts(
        _ id: ResourceID, _ scope: ResourceID, _ body: DeploymentBody, _ surroundings: ResourceSurroundings, _ caller: Caller
    ) -> DeploymentFacts {
        var deployment: [String: JSONValue] = [
            "name": .string(id.name),
            "properties": [
                "template": body.template, "templateHash": .string(TemplateHash.text(of: body.template)), "mode": .string(body.mode.rawValue),
                "provisioningState": "Accepted",
            ],
        ]
        if let location = body.location { deployment["location"] = .string(location) }
        var deployer: [String: JSONValue] = ["objectId": .string(caller.objectID), "tenantId": .string(caller.tenantID)]
        deployer["userPrincipalName"] = .string(caller.userPrincipalName ?? "")
        return DeploymentFacts(
            scope: scope, tenantID: settings.tenantID, subscription: surroundings.subscription, resourceGroup: surroundings.group,
            deployment: .object(deployment), deployer: .object(deployer), environment: CloudEnvironment.value(of: surroundings.cloud), now: clock.now())
    }

    /// Whether everything in the plan is of a type that is served here.
    private func check(_ plan: DeploymentPlan, _ surroundings: ResourceSurroundings) throws {
        for resource in plan.resources where resource.isWanted {
            guard let namespace = resource.id.namespace else { continue }
            guard let found = surroundings.types.first(where: { $0.key.lowercased() == namespace.lowercased() }) else {
                throw APIError.templateNamespaceNotServed(resource.id, surroundings.types.keys.sorted())
            }
            guard let type = found.value.description(of: resource.id) else { throw APIError.templateTypeNotServed(resource.id, found.value.map(\.type)) }
            let date = resource.apiVersion.prefix(10)
            guard date.wholeMatch(of: /\d{4}-\d{2}-\d{2}/) != nil, date >= type.since.prefix(10) else {
                throw APIError.templateVersionNotServed(resource.id, resource.apiVersion, since: type.since)
            }
        }
    }

    private func shown(_ plan: DeploymentPlan, _ body: DeploymentBody) throws -> PreparedDeployment.Shown {
        let values = try plan.parameterValues()
        var parameters: [String: JSONValue] = [:]
        for (key, declaration) in plan.template.parameters {
            let type = plan.template.typeName(of: declaration)
            if plan.template.isSecure(declaration) {
                parameters[declaration.name] = ["type": .string(type)]
            } else {
                parameters[declaration.name] = ["type": .string(type), "value": values[key] ?? .null]
            }
        }
        let wanted = plan.resources.filter { $0.isWanted && !$0.isExisting }
        let byNamespace = Dictionary(grouping: wanted.compactMap { resource in resource.id.namespace.map { ($0, resource.id) } }) { $0.0 }
        let providers: [JSONValue] = byNamespace.sorted { $0.key < $1.key }.map { namespace, resources in
            let types = Set(resources.map { $0.1.segments.map(\.type).joined(separator: "/") }).sorted()
            let location: JSONValue = .array(body.location.map { [.string($0)] } ?? [.null])
            return ["namespace": .string(namespace), "resourceTypes": .array(types.map { ["resourceType": .string($0), "locations": location] })]
        }
        let dependencies: [JSONValue] = plan.resources.filter { !$0.dependencies.isEmpty }.map { resource in
            var document = Self.named(resource)
            document["dependsOn"] = .array(resource.dependencies.sorted().map { .object(Self.named(plan.resources[$0])) })
            return .object(document)
        }
        return .init(
            parameters: .object(parameters), providers: .array(providers), dependencies: .array(dependencies),
            templateHash: TemplateHash.text(of: body.template))
    }

    private static func named(_ resource: PlannedResource) -> [String: JSONValue] {
        [
            "id": .string(resource.id.text), "resourceType": .string(resource.type),
            "resourceName": .string(resource.id.segments.isEmpty ? resource.id.name : resource.id.segments.map(\.name).joined(separator: "/")),
        ]
    }
}

extension [ResourceTypeDescription] {
    /// The description of a resource's type. A child type that is not listed has its parent's.
    func description(of id: ResourceID) -> ResourceTypeDescription? {
        var words = id.segments.map { $0.type.lowercased() }
        while !words.isEmpty {
            let name = words.joined(separator: "/")
            if let found = first(where: { $0.type.lowercased() == name }) { return found }
            words.removeLast()
        }
        return nil
    }
}
