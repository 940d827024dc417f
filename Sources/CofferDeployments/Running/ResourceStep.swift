import CofferCore
import CofferModel
import CofferPlatform
import CofferTemplates

/// Deploys one resource: puts it, waits until it is there, and writes both down.
struct ResourceStep: Sendable {
    let caller: ResourceCaller
    let progress: DeploymentProgress
    let mask: SecretMask

    /// - Returns: The resource as it is then, or why it is not there.
    /// - Throws: ``DeploymentProgress/Lost``, `CancellationError`, or an error of the store.
    func deploy(_ resource: PlannedResource, _ body: JSONValue) async throws -> Result<JSONValue, APIError> {
        let operation = try await progress.begin(.create, resource.id)
        do {
            let (status, answer) = try await caller.put(resource.id, apiVersion: resource.apiVersion, body)
            let whole = try await settled(resource, answer, status: status)
            try await progress.end(operation, nil, status: status)
            return .success(whole)
        } catch let refusal as APIError {
            let error = mask.masked(refusal)
            try await progress.end(operation, error, status: error.status)
            return .failure(error)
        } catch is CancellationError {
            if resource.isDeployment { try? await cancel(resource) }
            throw CancellationError()
        }
    }

    func delete(_ id: ResourceID, apiVersion: String) async throws -> APIError? {
        let operation = try await progress.begin(.delete, id)
        do {
            try await caller.delete(id, apiVersion: apiVersion)
            try await progress.end(operation, nil, status: 200)
            return nil
        } catch let error as APIError {
            try await progress.end(operation, error, status: error.status)
            return error
        }
    }

    /// Waits until what was answered is final.
    private func settled(_ resource: PlannedResource, _ answer: JSONValue, status: Int) async throws -> JSONValue {
        var answer = answer
        var pause = Duration.milliseconds(50)
        var needsLook = status == 202 && answer == .null
        while true {
            if !needsLook {
                switch answer.member("properties")?.member("provisioningState")?.string?.lowercased() {
                case nil, "succeeded": return answer
                case "failed": throw Self.failure(of: resource, answer, "Failed")
                case "canceled": throw Self.failure(of: resource, answer, "Canceled")
                default: break
                }
            }
            try await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
            do {
                answer = try await caller.get(resource.id, apiVersion: resource.apiVersion)
                needsLook = false
            } catch let error as APIError where error.status >= 500 || error.status == 429 {
                continue
            }
        }
    }

    private static func failure(of resource: PlannedResource, _ answer: JSONValue, _ state: String) -> APIError {
        let cause = answer.member("properties")?.member("error")
        let reason = cause?.member("message")?.string ?? answer.member("properties")?.member("statusMessage")?.string
        let details = (cause?.member("details")?.array ?? []).compactMap { detail in
            detail.member("message")?.string.map { "\(detail.member("code")?.string ?? ""): \($0)" }
        }
        let why = ([reason].compactMap { $0 } + details).joined(separator: " ")
        return APIError(
            status: 409, code: resource.isDeployment ? "DeploymentFailed" : "ResourceDeploymentFailure",
            message: "The operation on '\(resource.id.typeAndName)' did not succeed: it ended in the provisioning state '\(state)'." + (why.isEmpty ? "" : " \(why)"),
            target: resource.id.text)
    }

    /// Cancels a nested deployment with the one around it.
    private func cancel(_ resource: PlannedResource) async throws {
        _ = try await caller.post("\(resource.id.text)/cancel", apiVersion: resource.apiVersion, body: nil)
    }
}
