import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Synchronization

@testable import CofferVault

/// A Key Vault in memory, and the two ways to speak to it.
struct VaultFixture {
    static let tenant = "11111111-2222-3333-4444-555555555555"
    static let subscription = "aaaaaaaa-0000-0000-0000-000000000001"
    static let suffix = "vault.localhost:8443"
    static let admin = Caller(objectID: "admin", applicationID: "app-admin", tenantID: tenant, address: "127.0.0.1")

    let store = InMemoryStore()
    let clock = ManualClock()
    let audit = RecordingAuditLog()
    let roles = Roles()
    let bell = EventBell()
    let services: VaultServices

    init(isThrottled: Bool = false, token: (any KeyToken)? = nil) {
        roles.allow("admin", "Microsoft.KeyVault/vaults/*", below: "/")
        services = VaultServices(
            store: store, sealer: PlainSealer(), authorizer: roles, authenticator: Tokens(), audit: audit, clock: clock,
            bell: bell,
            settings: VaultSettings(
                suffix: Self.suffix, authority: "https://localhost:8443", tenantID: Self.tenant, region: "uksouth",
                isThrottled: isThrottled),
            token: token, threads: 2, generate: ReadyKeys().key)
    }

    /// Asks Azure Resource Manager. `path` is what follows `providers/Microsoft.KeyVault`.
    func arm(
        _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, group: String? = "rg1",
        subscription: String = Self.subscription, apiVersion: String = "2026-02-01", query: [(String, String)] = []
    ) async throws -> Answer {
        let segments = path.split(separator: "/").map(String.init)
        let scope = ResourceID(subscription: subscription, group: group)
        let prefix = scope.text.split(separator: "/").map(String.init) + ["providers", "Microsoft.KeyVault"]
        let request = try self.request(method, "localhost:8443", prefix + segments, body, apiVersion, query, token: "admin")
        let grant = try await AllowEverything().grant(.management("any"), to: Self.admin, on: scope)
        return try await Answer {
            try await services.provider.handle(
                ARMRequest(http: request, path: segments, subscription: subscription, group: group, grant: grant))
        }
    }

    /// Asks a vault. `path` is percent-decoded, with its empty segments.
    func vault(
        _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, as token: String? = "admin",
        vault: String = "kv1", apiVersion: String? = "7.6-preview.2", query: [(String, String)] = [], headers: [String: String] = [:],
        from address: String = "127.0.0.1"
    ) async throws -> Answer {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let request = try self.request(
            method, "\(vault).\(Self.suffix)", segments, body, apiVersion, query, token: token, headers: headers, address: address)
        return try await Answer { try await services.handler.handle(request) }
    }

    func request(
        _ method: APIRequest.Method, _ host: String, _ path: [String], _ body: JSONValue?, _ apiVersion: String?,
        _ query: [(String, String)] = [], token: String?, headers: [String: String] = [:], address: String = "127.0.0.1"
    ) throws -> APIRequest {
        APIRequest(
            method: method, host: host, path: path,
            query: (apiVersion.map { [("api-version", $0)] } ?? []) + query,
            headers: (token.map { ["authorization": "Bearer \($0)"] } ?? [:]).merging(["user-agent": "tests"]) { $1 }.merging(headers) { $1 },
            body: try body.map { try JSON.encode($0) } ?? [], address: address, requestID: "request-1",
            received: clock.now())
    }

    static let properties: [String: JSONValue] = [
        "tenantId": .string(tenant), "sku": ["family": "A", "name": "standard"], "accessPolicies": [],
    ]

    /// Makes a vault with `properties` over the plainest ones.
    @discardableResult
    func makeVault(_ name: String = "kv1", _ properties: [String: JSONValue] = [:]) async throws -> Answer {
        let all = Self.properties.merging(properties) { $1 }
        return try await arm(.put, "vaults/\(name)", ["location": "uksouth", "properties": .object(all)])
    }

    /// Makes an RSA key of 2048 bits and returns its versioned id.
    @discardableResult
    func makeKey(_ name: String = "key1", _ more: [String: JSONValue] = [:], vault: String = "kv1") async throws -> KeyURL {
        let body = JSONValue.object(["kty": "RSA"].merging(more) { $1 })
        let answer = try await self.vault(.post, "keys/\(name)/create", body, vault: vault)
        guard let kid = answer.json["key"]?["kid"]?.string, let url = KeyURL(kid) else { throw Unexpected(answer: answer) }
        return url
    }

    /// Sets a secret and returns its versioned id.
    @discardableResult
    func setSecret(
        _ name: String = "secret1", _ value: String = "value", _ more: [String: JSONValue] = [:], vault: String = "kv1"
    ) async throws -> String {
        let body = JSONValue.object(["value": .string(value)].merging(more) { $1 })
        let answer = try await self.vault(.put, "secrets/\(name)", body, vault: vault)
        guard answer.status == 200, let id = answer.json["id"]?.string else { throw Unexpected(answer: answer) }
        return id
    }

    /// The changes that the disk platform was told of.
    func changes() async throws -> [KeyChange] {
        let events = try await store.read { try $0.events(in: KeyChange.stream, after: 0, limit: 1000) }
        return try events.map { try JSON.decode(KeyChange.self, from: $0.body) }
    }
}

/// What came back, errors rendered as the HTTP layer renders them.
struct Answer {
    let status: Int
    let headers: [String: String]
    let json: JSONValue

    init(_ body: () async throws -> APIResponse) async throws {
        let response: APIResponse
        do {
            response = try await body()
        } catch let error as APIError {
            response = try .json(error.envelope, status: error.status, headers: error.headers)
        }
        status = response.status
        headers = response.headers
        json = response.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: response.body)
    }

    var code: String? { json["error"]?["code"]?.string }
    var innerCode: String? { json["error"]?["innererror"]?["code"]?.string }
    var message: String { json["error"]?["message"]?.string ?? "" }
    /// The items of a list.
    var items: [JSONValue] { json["value"]?.array ?? [] }
}

struct Unexpected: Error {
    let answer: Answer
}

/// Role assignments: an object id, an action which may end in `*`, and the scope below which it holds.
final class Roles: Authorizer {
    private let assignments = Mutex<[(objectID: String, action: String, scope: String)]>([])
    private let memberships = Mutex<[String: [String]]>([:])

    /// Puts somebody into groups, and out of all others.
    func put(_ objectID: String, into groups: [String]) {
        memberships.withLock { $0[objectID] = groups }
    }

    func groups(of caller: Caller) async throws -> [String] {
        memberships.withLock { $0[caller.objectID] ?? [] }
    }

    func allow(_ objectID: String, _ action: String, below scope: String) {
        assignments.withLock { $0.append((objectID, action.lowercased(), scope)) }
    }

    func revokeAll(_ objectID: String) {
        assignments.withLock { $0.removeAll { $0.objectID == objectID } }
    }

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        assignments.withLock { all in
            all.contains { assignment in
                guard assignment.objectID == caller.objectID, let held = ResourceID(assignment.scope), held.contains(scope) else {
                    return false
                }
                let name = action.name.lowercased()
                return assignment.action == name
                    || assignment.action.hasSuffix("*") && name.hasPrefix(assignment.action.dropLast())
            }
        }
    }
}

/// Takes the token's text for the object id, and some texts for tokens that are no good.
struct Tokens: Authenticator {
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        switch request.bearerToken {
        case nil: throw TokenRefusal.missing
        case "malformed": throw TokenRefusal.malformed
        case "forged": throw TokenRefusal.badSignature
        case "expired": throw TokenRefusal.expired
        case "early": throw TokenRefusal.notYetValid
        case "arm": throw TokenRefusal.wrongAudience("https://localhost:8443/")
        case "stranger": throw TokenRefusal.wrongIssuer(expected: "https://localhost:8443", found: "https://elsewhere")
        case "gone": throw TokenRefusal.unknownPrincipal
        case "foreign":
            return Caller(objectID: "foreign", applicationID: "a", tenantID: "other", address: request.address)
        case let token?:
            return Caller(
                objectID: token, applicationID: "app-\(token)", tenantID: VaultFixture.tenant, address: request.address)
        }
    }
}

/// Keys made once for all tests, since making one takes long. Each user gets them in turn, so that keys made one after
/// another differ.
final class ReadyKeys: Sendable {
    private static let made = Mutex<[Int: [RSAKey]]>([:])
    private let turn = Mutex(0)

    /// One of three keys of 2048 bits, or the one of another size.
    func key(bits: Int) throws -> RSAKey {
        let keys = try Self.made.withLock { made in
            if let keys = made[bits] { return keys }
            let keys = try (0..<(bits == 2048 ? 3 : 1)).map { _ in try RSAKey.generate(bits: bits) }
            made[bits] = keys
            return keys
        }
        let next = turn.withLock { turn in
            turn += 1
            return turn
        }
        return keys[next % keys.count]
    }
}
