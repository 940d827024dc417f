import CofferModel
import CofferPlatform
import CofferTemplates

extension Preflight {
    /// Plans the nested deployments of a plan too, and those in them. One whose parameters are known only while the deployment runs is passed over, and
    /// so is one for a group that the deployment makes.
    func checkNested(in prepared: PreparedDeployment, for caller: Caller) async throws {
        let plan = try Self.clear { try prepared.plan() }
        var bodies: [(ResourceID, JSONValue)] = []
        for (index, resource) in plan.resources.enumerated() where resource.isDeployment && resource.isWanted {
            // Without a runtime what it alone knows is refused, and that is no fault of the template.
            if let body = try? plan.body(of: index, runtime: nil) { bodies.append((resource.id, body)) }
        }
        for (id, body) in bodies {
            if let scope = id.parent, plan.resources.contains(where: { $0.id == scope }) { continue }
            do {
                let inner = try await prepare(DeploymentBody(body), as: id, for: caller)
                try await checkNested(in: inner, for: caller)
            } catch let error as APIError {
                throw APIError(
                    status: error.status, code: error.code, message: "In the nested deployment '\(id.name)': \(error.message)", target: error.target)
            } catch let failure as TemplateFailure {
                throw failure.inside("resources.\(id.name)").apiError
            }
        }
    }

    private static func clear<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let failure as TemplateFailure {
            throw failure.apiError
        }
    }
}
