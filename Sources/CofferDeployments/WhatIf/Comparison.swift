import CofferModel
import CofferPlatform
import CofferTemplates

/// Compares a plan with what is there.
struct Comparison: Sendable {
    let preflight: Preflight
    let caller: ResourceCaller
    let wantsIDsOnly: Bool

    /// What would become of the resources of a plan, and of those of deployments nested in it. Secret parameters are asterisks in it.
    func changes(of prepared: PreparedDeployment) async throws -> [ResourceChange] {
        var changes: [ResourceChange] = []
        for (resource, body) in try await bodies(of: prepared) {
            if resource.isDeployment {
                changes += await nested(resource, body)
            } else {
                changes.append(try await change(of: resource, body))
            }
        }
        return changes
    }

    /// The bodies of all resources that would be deployed, with what is known of others before.
    private func bodies(of prepared: PreparedDeployment) async throws -> [(PlannedResource, JSONValue)] {
        var known: [RuntimeQuestion: Result<JSONValue, APIError>] = [:]
        while true {
            switch try attempt(prepared, known) {
            case .success(let bodies): return bodies
            case .failure(let needed): known.merge(await caller.answers(to: needed.questions)) { _, new in new }
            }
        }
    }

    private func attempt(
        _ prepared: PreparedDeployment, _ known: [RuntimeQuestion: Result<JSONValue, APIError>]
    ) throws -> Result<[(PlannedResource, JSONValue)], RuntimeNeeded> {
        let plan = try prepared.plan(masksSecrets: true)
        let answers = RuntimeAnswers(plan: plan)
        answers.keep(known)
        do {
            return .success(try plan.resources.enumerated().filter { $0.element.isWanted && !$0.element.isExisting }.map { index, resource in
                (resource, try plan.body(of: index, runtime: answers, keepsUnknown: true))
            })
        } catch let needed as RuntimeNeeded {
            return .failure(needed)
        }
    }

    private func nested(_ resource: PlannedResource, _ body: JSONValue) async -> [ResourceChange] {
        do {
            let inner = try await preflight.prepare(DeploymentBody(body), as: resource.id, for: caller.caller)
            return try await changes(of: inner)
        } catch let error as APIError {
            return [ResourceChange(id: resource.id, kind: .unsupported, reason: "What the nested deployment would do is not known yet: \(error.message)")]
        } catch let failure as TemplateFailure {
            return [ResourceChange(id: resource.id, kind: .unsupported, reason: "What the nested deployment would do is not known yet: \(failure.message)")]
        } catch {
            return [ResourceChange(id: resource.id, kind: .unsupported, reason: "What the nested deployment would do cannot be told.")]
        }
    }

    private func change(of resource: PlannedResource, _ body: JSONValue) async throws -> ResourceChange {
        let after = Self.whole(resource.id, resource.apiVersion, body)
        do {
            let found = try await caller.get(resource.id, apiVersion: resource.apiVersion)
            if wantsIDsOnly { return ResourceChange(id: resource.id, kind: .deploy) }
            let before = Self.whole(resource.id, resource.apiVersion, found)
            let differences = PropertyDifference.between(before, after)
            return ResourceChange(id: resource.id, kind: differences.isEmpty ? .noChange : .modify, before: before, after: after, differences: differences)
        } catch let error as APIError where error.status == 404 {
            return ResourceChange(id: resource.id, kind: .create, after: wantsIDsOnly ? .none : .some(after))
        } catch let error as APIError where error.status == 405 {
            return ResourceChange(id: resource.id, kind: .unsupported, reason: "A resource of the type '\(resource.type)' cannot be read, so its changes are not known.")
        }
    }

    /// What is in the group besides.
    func others(than changes: [ResourceChange], in prepared: PreparedDeployment) async throws -> [ResourceChange] {
        guard prepared.scope.group != nil else { return [] }
        let listed = try await caller.get(path: "\(prepared.scope.text)/resources", apiVersion: "2021-04-01")
        return (listed.member("value")?.array ?? []).compactMap { resource in
            guard let id = resource.member("id")?.string.flatMap({ ResourceID($0) }), !changes.contains(where: { $0.id == id || id.contains($0.id) }) else { return nil }
            let kind: ResourceChange.Kind = prepared.body.mode == .complete ? .delete : .ignore
            return ResourceChange(id: id, kind: kind, before: wantsIDsOnly ? .none : .some(resource))
        }
    }

    /// A resource as it is shown, without what its provider alone sets.
    private static func whole(_ id: ResourceID, _ apiVersion: String, _ body: JSONValue) -> JSONValue {
        var members = (body.object ?? [:]).filter { !["etag", "systemdata"].contains($0.key.lowercased()) }
        members["id"] = .string(id.text)
        members["type"] = .string(id.resourceType ?? "Microsoft.Resources/resourceGroups")
        members["name"] = .string(id.name)
        members["apiVersion"] = .string(apiVersion)
        return .object(members)
    }
}
