import CofferCore
import CofferDeployments
import CofferModel
import CofferPlatform
import CofferResources
import CofferTesting
import Synchronization

/// Azure Resource Manager with groups, locks, things and deployments.
struct World {
    static let subscription = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
    static let group = "/subscriptions/\(subscription)/resourceGroups/rg1"
    let things = ThingProvider()
    let store: any Store
    let clock = ManualClock()
    let secrets = OneSecret()
    private let manager: ARMHandler

    init(store: any Store = InMemoryStore(), authorizer: any Authorizer = AllowEverything(), history: Int = 800) async throws {
        self.store = store
        let doorway = ResourceDoorway()
        let deployments = DeploymentServices(
            store: store, sealer: PlainSealer(), door: doorway, secrets: secrets, clock: clock,
            settings: DeploymentsSettings(authority: "https://localhost:8443", tenantID: "t", history: history))
        manager = ARMHandler(
            settings: ResourcesSettings(
                authority: "https://localhost:8443", tenantID: "t", subscriptionID: Self.subscription, subscriptionName: "Test", region: "uksouth",
                vaultSuffix: "vault.localhost:8443"),
            store: store, images: NoImages(), providers: [things, deployments.provider, LocksNamespace()], authenticator: AnyToken(), authorizer: authorizer, clock: clock,
            onDeleted: { try await deployments.removeAll(below: $0) })
        doorway.lead(to: manager)
        _ = try await ask("PUT", Self.group, "{\"location\": \"uksouth\"}", api: "2021-04-01")
    }

    func ask(_ method: String, _ path: String, _ body: String = "", api: String = "2021-04-01") async throws -> (status: Int, json: JSONValue) {
        let parts = path.split(separator: "?", maxSplits: 1)
        let request = APIRequest(
            method: APIRequest.Method(rawValue: method) ?? .get, host: "localhost:8443", path: RequestTarget.segments(of: String(parts[0])) ?? [],
            query: [("api-version", api)] + (parts.count == 2 ? RequestTarget.query(of: String(parts[1])) ?? [] : []),
            headers: ["authorization": "Bearer t"], body: Array(body.utf8), address: "127.0.0.1", requestID: "r", received: clock.now())
        let response = try await manager.handle(request)
        return (response.status, response.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: response.body))
    }

    /// Asks for what must be refused.
    func refusal(_ method: String, _ path: String, _ body: String = "") async throws -> APIError? {
        do {
            _ = try await ask(method, path, body)
            return nil
        } catch let error as APIError {
            return error
        }
    }

    static func path(_ name: String, _ scope: String = group) -> String { "\(scope)/providers/Microsoft.Resources/deployments/\(name)" }

    /// The body of a deployment of a template's sections.
    static func body(_ sections: String, mode: String = "Incremental", parameters: String = "{}", location: String? = nil) -> String {
        let template = "{$schema: 's', contentVersion: '1.0.0.0', \(sections)}"
        let place = location.map { "location: '\($0)', " } ?? ""
        return "{\(place)\"properties\": {\"mode\": \"\(mode)\", \"parameters\": \(parameters), template: \(template)}}"
    }

    /// Deploys, and waits for the end.
    func deploy(
        _ sections: String, as name: String = "d", mode: String = "Incremental", parameters: String = "{}", scope: String = group, location: String? = nil
    ) async throws -> JSONValue {
        _ = try await ask("PUT", Self.path(name, scope), Self.body(sections, mode: mode, parameters: parameters, location: location))
        return try await end(of: name, scope)
    }

    func end(of name: String, _ scope: String = group) async throws -> JSONValue {
        while true {
            let shown = try await ask("GET", Self.path(name, scope)).json
            if shown["properties"]?["provisioningState"] != "Running" { return shown }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    func operations(of name: String) async throws -> [JSONValue] {
        try await ask("GET", "\(Self.group)/deployments/\(name)/operations").json["value"]?.array ?? []
    }
}

struct AnyToken: Authenticator {
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        Caller(objectID: "o", applicationID: "a", tenantID: "t", address: request.address)
    }
}

private struct LocksNamespace: ResourceProvider {
    let namespace = "Microsoft.Authorization"
    let types = [ResourceTypeDescription("locks", since: "2015-01-01")]

    func handle(_ request: ARMRequest) async throws -> APIResponse { throw APIError.resourceNotFound(request.grant.scope) }
    func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] { [] }
    func delete(_ id: ResourceID, by grant: Grant) async throws {}
}

/// A vault with one secret.
struct OneSecret: SecretReader {
    func deploymentSecret(_ name: String, version: String?, in vault: ResourceID, for caller: Caller) async throws -> SecretBytes {
        guard name == "known" else { throw APIError(status: 400, code: "NoSecret", message: "There is no such secret.") }
        var bytes = Array("hunter2-hunter2".utf8)
        return SecretBytes(wiping: &bytes)
    }
}

/// Allows all but writes of things.
struct NoThings: Authorizer {
    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool { action.name != "Test.Things/things/write" }
}
