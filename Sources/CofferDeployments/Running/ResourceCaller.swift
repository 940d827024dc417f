import CofferCore
import CofferModel
import CofferPlatform
import Foundation

/// Makes the requests of one deployment to Azure Resource Manager, as the one who deploys.
struct ResourceCaller: Sendable {
    let door: any ResourceDoor
    let caller: Caller
    let authority: String
    let correlationID: String
    let clock: any WallClock

    /// The answer of a GET as JSON.
    func get(_ id: ResourceID, apiVersion: String) async throws -> JSONValue {
        try await ask(.get, id.text, apiVersion).json
    }

    func get(path: String, apiVersion: String) async throws -> JSONValue {
        try await ask(.get, path, apiVersion).json
    }

    func put(_ id: ResourceID, apiVersion: String, _ body: JSONValue) async throws -> (status: Int, json: JSONValue) {
        try await ask(.put, id.text, apiVersion, body)
    }

    func post(_ path: String, apiVersion: String, body: JSONValue?) async throws -> JSONValue {
        try await ask(.post, path, apiVersion, body).json
    }

    func delete(_ id: ResourceID, apiVersion: String) async throws {
        _ = try await ask(.delete, id.text, apiVersion)
    }

    /// - Throws: ``APIError``; what is no refusal of a request too, as the client would see it.
    private func ask(_ method: APIRequest.Method, _ path: String, _ apiVersion: String, _ body: JSONValue? = nil) async throws -> (status: Int, json: JSONValue) {
        let request = APIRequest(
            method: method, host: String(authority.dropFirst("https://".count)), path: path.split(separator: "/").map(String.init),
            query: [("api-version", apiVersion)],
            headers: ["content-type": "application/json", "x-ms-correlation-request-id": correlationID, "user-agent": "Coffer-Deployments"],
            body: try body.map { try JSON.encode($0) } ?? [], address: caller.address, requestID: UUID().uuidString.lowercased(), received: clock.now())
        let (door, caller) = (door, caller)
        // What has begun is finished, whatever becomes of the deployment.
        let response = try await Task.detached { try await door.answer(request, as: caller) }.value
        guard response.status < 400 else { throw Self.refusal(response) }
        return (response.status, response.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: response.body))
    }

    private static func refusal(_ response: APIResponse) -> APIError {
        let error = (try? JSON.decode(JSONValue.self, from: response.body))?["error"]
        return APIError(
            status: response.status, code: error?["code"]?.string ?? "RequestFailed",
            message: error?["message"]?.string ?? "The request ended with status \(response.status).")
    }
}
