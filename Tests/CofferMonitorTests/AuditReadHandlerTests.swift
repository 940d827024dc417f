import CofferCore
import CofferModel
import CofferPlatform
import CofferSeal
import CofferTesting
import Testing

@testable import CofferMonitor

@Suite struct AuditReadHandlerTests {
    private let store = InMemoryStore()

    private func handler(_ authorizer: any Authorizer = AllowEverything()) -> AuditReadHandler {
        AuditReadHandler(
            store: store, authenticator: Tokens(), authorizer: authorizer, audiences: [], authority: "https://localhost:8443",
            tenantID: "t")
    }

    private func request(
        _ path: String, _ query: [(String, String)] = [], method: APIRequest.Method = .get, token: String? = "admin"
    ) -> APIRequest {
        APIRequest(
            method: method, host: "localhost:8443", path: path.split(separator: "/").map(String.init), query: query,
            headers: token.map { ["authorization": "Bearer \($0)"] } ?? [:], body: [], address: "", requestID: "r",
            received: Timestamp(seconds: 0))
    }

    private func refusal(_ request: APIRequest, _ authorizer: any Authorizer = AllowEverything()) async throws -> APIError? {
        do {
            _ = try await handler(authorizer).handle(request)
            return nil
        } catch let error as APIError {
            return error
        }
    }

    /// Reads through the handler as `coffer audit-log` reads through HTTPS.
    private struct Client: AuditSource {
        let handler: AuditReadHandler
        let request: @Sendable (String, [(String, String)]) -> APIRequest

        func chains(after: String?) async throws -> AuditChainPage {
            let query = after.map { [("after", $0)] } ?? []
            return try JSON.decode(AuditChainPage.self, from: await handler.handle(request("coffer/v1/audit/chains", query)).body)
        }

        func page(_ part: AuditPart, of resource: ResourceID, after: Int64) async throws -> AuditPage {
            let answer = try await handler.handle(
                request("coffer/v1/audit/\(part.rawValue)", [("resource", resource.text), ("after", String(after))]))
            return try JSON.decode(AuditPage.self, from: answer.body)
        }
    }

    @Test func aLongChainIsVerifiedThroughTheServer() async throws {
        let log = StoreAuditLog(store: store)
        for number in 1...200 { try await log.record(Events.event(number)) }
        let key = try await AuditSigningKey.open(store: store, sealer: PlainSealer())
        await HeadSigning(log: log, store: store, signer: key, clock: ManualClock(), report: { _ in }).signMoved()
        let client = Client(handler: handler()) { request($0, $1) }
        let reports = try await AuditVerification(source: client, keys: [key.publicKey]).verifyAll()
        #expect(reports.map(\.findings) == [[]])
        #expect(reports.map(\.count) == [200])
        #expect(reports.map(\.signedCount) == [200])
    }

    @Test func eventsAreReadBetweenTwoTimes() async throws {
        let log = StoreAuditLog(store: store)
        for number in 1...200 { try await log.record(Events.event(number)) }
        var numbers: [Int64] = []
        let trail = AuditTrail(source: Client(handler: handler()) { request($0, $1) })
        try await trail.each(of: Events.vault("KV1"), from: Timestamp(milliseconds: 60), to: Timestamp(milliseconds: 70)) {
            numbers.append($0.number)
            return true
        }
        #expect(numbers == Array(60...69))
    }

    @Test func aVaultsChainsAreFoundByItsName() async throws {
        let log = StoreAuditLog(store: store)
        for name in ["kv1", "kv10", "other"] { try await log.record(Events.event(1, on: name)) }
        let client = Client(handler: handler()) { request($0, $1) }
        #expect(try await client.chains(ofVault: "KV1").map(\.resource.name) == ["kv1"])
        #expect(try await AuditVerification(source: client, keys: []).verify(vault: "kv10").map(\.count) == [1])
        #expect(try await AuditVerification(source: client, keys: []).verify(vault: "none").isEmpty)
    }

    @Test func itIsGivenOutOnlyToWhoMayReadIt() async throws {
        let log = StoreAuditLog(store: store)
        for name in ["kv1", "kv2"] { try await log.record(Events.event(1, on: name)) }
        let query = [("resource", Events.vault("kv1").text)]
        #expect(try await refusal(request("coffer/v1/audit/records", query, token: nil))?.status == 401)
        let forbidden = try await refusal(request("coffer/v1/audit/records", query), Only(Events.vault("kv2")))
        #expect(forbidden?.status == 403)
        #expect(forbidden?.message.contains("az role assignment create --role Reader") == true)
        #expect(try await refusal(request("coffer/v1/audit/records", query), Only(Events.vault("kv1"))) == nil)
        let client = Client(handler: handler(Only(Events.vault("kv2")))) { request($0, $1) }
        #expect(try await client.allChains().map(\.resource.name) == ["kv2"])
    }

    @Test func whatMakesNoSenseIsRefused() async throws {
        let id = Events.vault("kv1").text
        #expect(try await refusal(request("coffer/v1/audit"))?.status == 404)
        #expect(try await refusal(request("coffer/v1/audit/nothing"))?.status == 404)
        #expect(try await refusal(request("coffer/v1/audit/records", [("resource", id)], method: .post))?.status == 405)
        for query in [[], [("resource", "kv1")], [("resource", "/subscriptions/s/resourceGroups/g")], [("resource", id), ("after", "-1")],
            [("resource", id), ("after", "x")]]
        {
            #expect(try await refusal(request("coffer/v1/audit/records", query))?.status == 400, "\(query)")
        }
    }

    @Test func timesAreReadAsPeopleWriteThem() {
        #expect(AuditTime.parse("2026-01-01T00:00:00Z") == Timestamp(seconds: 1_767_225_600))
        #expect(AuditTime.parse("2026-01-01T00:00:00.250Z") == Timestamp(milliseconds: 1_767_225_600_250))
        #expect(AuditTime.parse("2026-01-01T01:00:00+01:00") == Timestamp(seconds: 1_767_225_600))
        #expect(AuditTime.parse("2026-01-01") == Timestamp(seconds: 1_767_225_600))
        #expect(AuditTime.parse("yesterday") == nil)
        #expect(AuditTime.parse("") == nil)
    }
}

/// Takes every token for the principal of its name.
private struct Tokens: Authenticator {
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        guard let token = request.bearerToken else { throw TokenRefusal.missing }
        return Caller(objectID: token, applicationID: token, tenantID: "t", address: "")
    }
}

/// Allows reading one resource's log.
private struct Only: Authorizer {
    let scope: ResourceID

    init(_ scope: ResourceID) { self.scope = scope }

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        scope == self.scope && action == AuditReadHandler.action
    }
}
