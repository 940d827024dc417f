import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

/// An installation in memory, with everything that CofferIdentity offers joined as `coffer serve` does.
struct Fixture {
    static let authority = "https://localhost:8443"
    /// The audience of the resource manager as clients ask for it, slash and all.
    static let management = "https://localhost:8443/"
    static let vault = "https://vault.localhost:8443"

    let store = InMemoryStore()
    let clock = ManualClock()
    let bell = EventBell()
    let workers = WorkerPool(name: "test", threads: 1)
    let passwords: PasswordChecker
    let settings: IdentitySettings
    let keys: SigningKeys
    let tokens: TokenService
    let routes: TokenRoutes
    let authenticator: TokenAuthenticator
    let authorizer: RoleAuthorizer
    let principals: PrincipalService
    let directory: DirectoryServices
    let identities: DirectoryIdentities
    let administrator: Caller
    let secret: String

    init() async throws {
        let installation = try await Bootstrap(store: store, sealer: PlainSealer(), clock: clock).prepare()
        settings = IdentitySettings(
            authority: Self.authority, tenantID: installation.tenantID, subscriptionID: installation.subscriptionID,
            resources: IdentitySettings.defaultResources(authority: Self.authority, vaultSuffix: "vault.localhost:8443")
        )
        try await Self.enterSharedKey(into: store, clock: clock)
        keys = SigningKeys(store: store, sealer: PlainSealer(), clock: clock, workers: workers)
        tokens = TokenService(store: store, keys: keys, clock: clock, settings: settings)
        passwords = PasswordChecker(sealer: PlainSealer(), cost: Scrypt.Cost(cost: 16, blockSize: 8, parallelism: 1))
        routes = TokenRoutes(service: tokens, signIn: SignInService(tokens: tokens, passwords: passwords), keys: keys)
        authenticator = TokenAuthenticator(store: store, keys: keys, clock: clock, settings: settings, cacheCapacity: 8)
        authorizer = RoleAuthorizer(store: store)
        principals = PrincipalService(store: store, clock: clock, bell: bell, settings: settings)
        directory = DirectoryServices(store: store, passwords: passwords, clock: clock, bell: bell, settings: settings)
        identities = DirectoryIdentities(store: store, clock: clock, bell: bell, settings: settings)
        administrator = Caller(
            objectID: installation.administratorObjectID, applicationID: installation.administratorApplicationID,
            tenantID: installation.tenantID, address: ""
        )
        secret = installation.administratorSecret.text()
    }

    /// Making a key takes long, so all fixtures begin with the same one.
    private static let sharedKey = Result { try RSAKey.generate(bits: 2048) }

    private static func enterSharedKey(into store: InMemoryStore, clock: ManualClock) async throws {
        let key = try sharedKey.get()
        let modulus = Base64URL.encode(key.modulus)
        let exponent = Base64URL.encode(key.exponent)
        let keyID = SigningKeyRecord.thumbprint(modulus: modulus, exponent: exponent)
        let sealed = try await PlainSealer().seal(try key.pkcs8(), realm: SigningKeyRecord.realm, name: keyID)
        let record = SigningKeyRecord(
            number: 1, keyID: keyID, created: clock.now(), modulus: modulus, exponent: exponent,
            sealedPrivateKey: Base64URL.encode(sealed)
        )
        _ = try await store.write { try $0.put(record, record.documentID, in: SigningKeyRecord.collection) }
    }

    /// The scope of everything.
    var subscription: ResourceID { ResourceID(subscription: settings.subscriptionID) }

    func vault(_ name: String = "kv1") -> ResourceID {
        ResourceID(
            subscription: settings.subscriptionID, group: "rg1", namespace: "Microsoft.KeyVault", type: "vaults", name: name
        )
    }

    func request(
        _ method: APIRequest.Method, _ path: String, query: [(name: String, value: String)] = [], body: String = "",
        token: String? = nil
    ) -> APIRequest {
        APIRequest(
            method: method, host: "localhost:8443",
            path: path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init), query: query,
            headers: token.map { ["authorization": "Bearer \($0)"] } ?? [:], body: Array(body.utf8), address: "127.0.0.1",
            requestID: "11111111-2222-4333-8444-555555555555", received: clock.now()
        )
    }

    /// The caller that a token stands for.
    func caller(_ token: String, audiences: [String] = IdentitySettings.managementAudiences(authority: Fixture.authority))
        async throws -> Caller
    {
        try await authenticator.caller(of: request(.get, "/subscriptions", token: token), audiences: audiences)
    }

    /// A token of the bootstrap administrator.
    func token(for audience: String = Fixture.management) async throws -> String {
        let principal = try #require(try await principals.principal(administrator.objectID))
        return try await tokens.token(for: principal, audience: audience).text
    }

    /// Registers an application with its service principal and one secret, as `az ad sp create-for-rbac` does.
    func addApplication(named name: String, lifetime: Duration = .seconds(365 * 86_400)) async throws -> NewApplication {
        let grant = try await directoryGrant()
        let application = try await directory.applications.add(.init(displayName: name), by: grant)
        let now = clock.now()
        let new = try NewSecret(SecretDraft(displayName: nil, starts: now, ends: now.adding(lifetime)))
        try await directory.applications.add(new.record, to: application.objectID, by: grant)
        let principal = try await principals.add(application: application.applicationID, isEnabled: true, by: grant)
        return NewApplication(principal: principal, secret: new.secret.text())
    }

    /// Overwrites a principal.
    func store(_ principal: PrincipalRecord) async throws {
        _ = try await store.write { try $0.put(principal, principal.objectID, in: PrincipalRecord.collection) }
    }

    /// What `az` posts to the token endpoint.
    func form(id: String? = nil, secret: String? = nil, scope: String = "https://localhost:8443//.default") -> String {
        "client_id=\(id ?? administrator.applicationID)&grant_type=client_credentials&client_info=1"
            + "&client_secret=\(secret ?? self.secret)"
            + "&claims=%7B%22access_token%22%3A+%7B%22xms_cc%22%3A+%7B%22values%22%3A+%5B%22CP1%22%5D%7D%7D%7D"
            + "&scope=\(scope.replacing(":", with: "%3A").replacing("/", with: "%2F"))"
    }

    func post(_ body: String, tenant: String? = nil, path: String = "oauth2/v2.0/token") async throws -> APIResponse {
        try await routes.handle(request(.post, "/\(tenant ?? settings.tenantID)/\(path)", body: body))
    }
}

struct NewApplication {
    let principal: PrincipalRecord
    let secret: String
}

extension SecretBytes {
    /// The secret as text, for tests that must show it.
    borrowing func text() -> String {
        withBytes { span in
            String(decoding: (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }, as: UTF8.self)
        }
    }
}

extension APIResponse {
    var json: JSONValue { (try? JSON.decode(JSONValue.self, from: body)) ?? .null }
}

/// Makes tokens that Coffer would not.
struct Forge {
    var header: JSONValue
    var claims: [String: JSONValue]

    init(_ token: String) throws {
        let parsed = try JWTParser.parse(Array(token.utf8))
        header = ["alg": "RS256", "typ": "JWT", "kid": .string(parsed.keyID)]
        claims = parsed.claims
    }

    var signedPart: String {
        get throws {
            let payload = JSONValue.object(claims)
            return Base64URL.encode(try JSON.encode(header)) + "." + Base64URL.encode(try JSON.encode(payload))
        }
    }

    func signed(by sign: (_ message: [UInt8]) throws -> [UInt8]) throws -> String {
        let part = try signedPart
        return part + "." + Base64URL.encode(try sign(Array(part.utf8)))
    }

    /// Signed by a key of the installation, as if it had meant to.
    func signed(by keys: SigningKeys) async throws -> String {
        let claims = JSONValue.object(claims)
        let signed = try await keys.sign { keyID in
            let header: JSONValue = ["alg": "RS256", "typ": "JWT", "kid": .string(keyID)]
            return Array((Base64URL.encode(try JSON.encode(header)) + "." + Base64URL.encode(try JSON.encode(claims))).utf8)
        }
        return String(decoding: signed.message, as: UTF8.self) + "." + Base64URL.encode(signed.signature)
    }
}
