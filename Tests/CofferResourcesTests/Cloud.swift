import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Synchronization

import CofferResources

/// A resource manager with one provider that knows one thing, `t1` in `rg1`.
struct Cloud {
    static let subscription = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
    let provider = ThingProvider()
    let features: FeaturesService
    private let handler: ARMHandler

    init(authorizer: any Authorizer = AllowEverything()) {
        let store = InMemoryStore()
        features = FeaturesService(store: store, clock: ManualClock())
        handler = ARMHandler(
            settings: ResourcesSettings(
                authority: "https://localhost:8443", tenantID: "t", subscriptionID: Self.subscription, subscriptionName: "Test",
                region: "uksouth", vaultSuffix: "vault.localhost:8443"
            ),
            store: store, images: NoImages(),
            providers: [provider, RolesProvider(), FeaturesProvider(service: features, tenantID: "t")], authenticator: AnyToken(), authorizer: authorizer,
            clock: ManualClock()
        )
    }

    static func group(_ name: String) -> String { "/subscriptions/\(subscription)/resourcegroups/\(name)" }

    func ask(_ method: String, _ target: String, _ body: String = "", token: String? = "t") async throws -> Answer {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let request = APIRequest(
            method: APIRequest.Method(rawValue: method) ?? .get, host: "localhost:8443",
            path: RequestTarget.segments(of: String(parts[0])) ?? [],
            query: RequestTarget.query(of: parts.count == 2 ? String(parts[1]) : nil) ?? [],
            headers: token.map { ["authorization": "Bearer \($0)"] } ?? [:], body: Array(body.utf8), address: "127.0.0.1",
            requestID: "r", received: Timestamp(seconds: 0)
        )
        let response = try await handler.handle(request)
        return Answer(
            status: response.status,
            json: response.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: response.body)
        )
    }

    /// Asks for what must be refused, and throws the refusal's status and code.
    func refusal(_ method: String, _ target: String, _ body: String = "") async throws {
        do {
            _ = try await ask(method, target, body)
        } catch let error as APIError {
            throw Refused(error.status, error.code)
        }
    }
}

struct Answer {
    let status: Int
    let json: JSONValue
}

struct Refused: Error, Equatable {
    let status: Int
    let code: String

    init(_ status: Int, _ code: String) {
        self.status = status
        self.code = code
    }
}

private struct AnyToken: Authenticator {
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        guard request.bearerToken != nil else { throw TokenRefusal.missing }
        return Caller(objectID: "o", applicationID: "a", tenantID: "t", address: request.address)
    }
}

final class ThingProvider: ResourceProvider {
    let namespace = "Test.Things"
    let operations = [ProviderOperation(.data("Test.Things/things/look/action"), provider: "Things", resource: "Thing", "Look at a thing")]
    let types = [
        ResourceTypeDescription("things", since: "2020-01-01"), ResourceTypeDescription("checkNameAvailability", since: "2020-01-01"),
    ]
    private let paths = Mutex<[[String]]>([])
    private let isGone = Mutex(false)

    var seen: [[String]] { paths.withLock { $0 } }

    func handle(_ request: ARMRequest) async throws -> APIResponse {
        paths.withLock { $0.append(request.path) }
        return try .json([:] as JSONValue)
    }

    func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        guard group == nil || group?.lowercased() == "rg1", !isGone.withLock({ $0 }) else { return [] }
        return [ResourceSummary(
            id: ResourceID(subscription: subscription, group: "rg1", namespace: namespace, type: "things", name: "t1"),
            location: "uksouth", tags: [:]
        )]
    }

    func delete(_ id: ResourceID, by grant: Grant) async throws { isGone.withLock { $0 = true } }
}

/// Allows everything and remembers what it was asked.
final class RecordingAuthorizer: Authorizer {
    private let questions = Mutex<[(action: String, scope: String)]>([])

    var asked: [(action: String, scope: String)] { questions.withLock { $0 } }

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        questions.withLock { $0.append((action.name, scope.text)) }
        return true
    }
}

/// The namespace that locks share with roles, which another part of Coffer answers for.
private struct RolesProvider: ResourceProvider {
    let namespace = "Microsoft.Authorization"
    let types = [ResourceTypeDescription("locks", since: "2015-01-01")]

    func handle(_ request: ARMRequest) async throws -> APIResponse { throw APIError.resourceNotFound(request.grant.scope) }
    func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] { [] }
    func delete(_ id: ResourceID, by grant: Grant) async throws {}
}
