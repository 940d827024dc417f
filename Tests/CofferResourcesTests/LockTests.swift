import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferResources

@Suite struct LockTests {
    private let cloud = Cloud()
    private static let subscription = "/subscriptions/\(Cloud.subscription)"
    private static let group = "\(subscription)/resourceGroups/rg1"
    private static let thing = "\(group)/providers/Test.Things/things/t1"

    private func lockPath(_ scope: String, _ name: String = "l1", version: String = "2016-09-01") -> String {
        "\(scope)/providers/Microsoft.Authorization/locks/\(name)?api-version=\(version)"
    }

    private func makeGroup(_ name: String = "rg1") async throws {
        _ = try await cloud.ask("PUT", "\(Cloud.group(name))?api-version=2024-11-01", #"{"location":"uksouth"}"#)
    }

    @discardableResult
    private func lock(_ scope: String, _ level: String, _ name: String = "l1") async throws -> Answer {
        try await cloud.ask("PUT", lockPath(scope, name), #"{"properties":{"level":"\#(level)"}}"#)
    }

    @Test func aLockIsMadeShownChangedListedAndRemoved() async throws {
        try await makeGroup()
        let body = #"{"properties":{"level":"cannotdelete","notes":"keep","owners":[{"applicationId":"a"}]}}"#
        // As `az lock create` spells it, with a doubled slash.
        let path = "\(Cloud.group("rg1"))/providers/Test.Things//things/t1/providers/Microsoft.Authorization/locks/l1?api-version=2016-09-01"
        let made = try await cloud.ask("PUT", path, body)
        #expect(made.status == 201)
        #expect(made.json["id"] == .string("\(Self.thing)/providers/Microsoft.Authorization/locks/l1"))
        #expect(made.json["name"] == "l1" && made.json["type"] == "Microsoft.Authorization/locks")
        #expect(made.json["properties"] == ["level": "CanNotDelete", "notes": "keep", "owners": [["applicationId": "a"]]])
        #expect(cloud.provider.seen.isEmpty)
        #expect(try await cloud.ask("GET", lockPath(Self.thing.uppercased().replacing("/SUBSCRIPTIONS", with: "/subscriptions"), "L1", version: "2020-05-01")).json == made.json)
        let changed = try await lock(Self.thing, "ReadOnly")
        #expect(changed.status == 200)
        #expect(changed.json["properties"] == ["level": "ReadOnly"])
        #expect(try await cloud.ask("DELETE", lockPath(Self.thing)).status == 200)
        #expect(try await cloud.ask("DELETE", lockPath(Self.thing)).status == 204)
        await #expect(throws: Refused(404, "LockNotFound")) { try await cloud.refusal("GET", lockPath(Self.thing)) }
    }

    @Test func locksAreListedAtTheirScopeAndBelow() async throws {
        try await makeGroup()
        try await lock(Self.subscription, "CanNotDelete", "sub")
        try await lock(Self.group, "CanNotDelete", "grp")
        try await lock(Self.thing, "CanNotDelete", "res")
        func names(_ scope: String, _ filter: String = "") async throws -> [String] {
            let path = "\(scope)/providers/Microsoft.Authorization/locks?api-version=2016-09-01\(filter)"
            return try await cloud.ask("GET", path).json["value"]?.array?.compactMap { $0["name"]?.string }.sorted() ?? []
        }
        #expect(try await names(Self.subscription) == ["grp", "res", "sub"])
        #expect(try await names(Self.group) == ["grp", "res"])
        #expect(try await names(Self.thing) == ["res"])
        #expect(try await names(Self.subscription, "&$filter=atScope()") == ["sub"])
        await #expect(throws: Refused(400, "InvalidFilterInQueryString")) {
            try await cloud.refusal("GET", "\(Self.group)/providers/Microsoft.Authorization/locks?api-version=2016-09-01&$filter=x eq 1")
        }
    }

    /// Where a lock is, what is asked for, and whether CanNotDelete and ReadOnly refuse it.
    static let table: [(locked: String, method: String, path: String, byDelete: Bool, byReadOnly: Bool)] = [
        (thing, "DELETE", thing, true, true),
        (thing, "PUT", thing, false, true),
        (thing, "PATCH", thing, false, true),
        (thing, "POST", thing + "/restart", false, true),
        (thing, "GET", thing, false, false),
        (thing, "HEAD", thing, false, false),
        (thing, "DELETE", thing + "/parts/p", true, true),
        (thing, "PUT", thing + "/parts/p", false, true),
        (thing, "DELETE", group + "/providers/Test.Things/things/t10", false, false),
        (thing, "PUT", group + "/providers/Test.Things/things/t10", false, false),
        (thing, "DELETE", group, true, true),
        (thing, "PUT", group, false, false),
        (thing + "/parts/p", "DELETE", thing, true, true),
        (thing + "/parts/p", "PUT", thing, false, false),
        (group, "DELETE", group, true, true),
        (group, "PUT", group, false, true),
        (group, "PATCH", group, false, true),
        (group, "DELETE", thing, true, true),
        (group, "PUT", thing, false, true),
        (group, "DELETE", subscription + "/resourceGroups/rg10", false, false),
        (group, "PUT", subscription + "/resourceGroups/rg10", false, false),
        (subscription, "DELETE", group, true, true),
        (subscription, "PUT", group, false, true),
        (subscription, "DELETE", thing, true, true),
        (subscription, "POST", subscription + "/providers/Test.Things/checkNameAvailability", false, false),
        (subscription, "POST", subscription + "/providers/Test.Things/register", false, true),
        (thing, "PUT", thing + "/providers/Test.Things/things/extension", false, true),
        (thing, "DELETE", thing + "/providers/Test.Things/things/extension", true, true),
        (thing, "PUT", thing + "/providers/Microsoft.Resources/tags/default", false, true),
        (thing, "PATCH", thing + "/providers/Microsoft.Resources/tags/default", false, true),
        (thing, "DELETE", thing + "/providers/Microsoft.Resources/tags/default", false, true),
        (group, "PUT", group + "/providers/Microsoft.Resources/tags/default", false, true),
        (group, "GET", group + "/providers/Microsoft.Resources/tags/default", false, false),
    ]

    @Test(arguments: table, ["CanNotDelete", "ReadOnly"])
    func aLockRefusesWhatItsLevelSays(
        row: (locked: String, method: String, path: String, byDelete: Bool, byReadOnly: Bool), level: String
    ) async throws {
        for name in ["rg1", "rg10"] { try await makeGroup(name) }
        try await lock(row.locked, level)
        let seen = cloud.provider.seen.count
        let body = #"{"location":"uksouth","operation":"Merge","properties":{"tags":{}}}"#
        let isRefused = level == "ReadOnly" ? row.byReadOnly : row.byDelete
        do {
            _ = try await cloud.ask(row.method, row.path + "?api-version=2024-11-01", body)
            #expect(!isRefused, "\(row)")
        } catch let error as APIError {
            #expect(isRefused && error.status == 409 && error.code == "ScopeLocked", "\(row) \(error)")
            #expect(cloud.provider.seen.count == seen)
            #expect(error.message.contains("cannot perform \(row.method == "DELETE" && !row.path.contains("/tags/") ? "delete" : "write") operation because following scope(s) are locked: '\(row.locked)'"))
        }
        // The lock itself can always be taken away, and then everything goes on.
        #expect(try await cloud.ask("DELETE", lockPath(row.locked)).status == 200)
        if isRefused { _ = try await cloud.ask(row.method, row.path + "?api-version=2024-11-01", body) }
    }

    @Test func allLockedScopesAreNamedOnce() async throws {
        try await makeGroup()
        try await lock(Self.group, "CanNotDelete", "a")
        try await lock(Self.group, "ReadOnly", "b")
        try await lock(Self.thing, "CanNotDelete", "c")
        await #expect {
            _ = try await cloud.ask("DELETE", Self.group + "?api-version=2024-11-01")
        } throws: {
            ($0 as? APIError)?.message == "The scope '\(Self.group)' cannot perform delete operation because following scope(s) are locked: "
                + "'\(Self.group)', '\(Self.thing)'. Please remove the lock and try again."
        }
    }

    @Test func aLockNeedsALevelANameAndSomethingToLock() async throws {
        try await makeGroup()
        for (body, code) in [
            (#"{"properties":{"level":"NotSpecified"}}"#, "InvalidLockLevel"), (#"{"properties":{"level":""}}"#, "InvalidLockLevel"),
            (#"{"properties":{}}"#, "InvalidRequestContent"), (#"{"properties":{"level":5}}"#, "InvalidRequestContent"),
            ("[]", "InvalidRequestContent"),
            (#"{"properties":{"level":"ReadOnly","notes":"\#(String(repeating: "n", count: 513))"}}"#, "InvalidLockNotes"),
        ] {
            await #expect(throws: Refused(400, code), "\(body)") { try await cloud.refusal("PUT", lockPath(Self.group), body) }
        }
        let body = #"{"properties":{"level":"ReadOnly"}}"#
        await #expect(throws: Refused(404, "NotFound")) { try await cloud.refusal("PUT", lockPath(Self.group, "a%2Fb"), body) }
        for name in ["a%3Cb", "a%2Fb%2Fc", String(repeating: "n", count: 261), "a%25"] {
            await #expect(throws: Refused(400, "InvalidLockName"), "\(name)") { try await cloud.refusal("PUT", lockPath(Self.group, name), body) }
        }
        await #expect(throws: Refused(404, "ResourceGroupNotFound")) {
            try await cloud.refusal("PUT", lockPath(Self.subscription + "/resourceGroups/none"), body)
        }
        await #expect(throws: Refused(404, "ResourceNotFound")) {
            try await cloud.refusal("PUT", lockPath(Self.group + "/providers/Test.Things/things/none"), body)
        }
        await #expect(throws: Refused(404, "InvalidResourceNamespace")) {
            try await cloud.refusal("PUT", lockPath(Self.group + "/providers/Other/things/x"), body)
        }
        await #expect(throws: Refused(404, "SubscriptionNotFound")) { try await cloud.refusal("PUT", lockPath("/subscriptions/other"), body) }
        await #expect(throws: Refused(400, "InvalidLockScope")) { try await cloud.refusal("PUT", lockPath(""), body) }
        await #expect(throws: Refused(400, "MissingApiVersionParameter")) {
            try await cloud.refusal("PUT", Self.group + "/providers/Microsoft.Authorization/locks/l1", body)
        }
        await #expect(throws: Refused(405, "MethodNotAllowed")) { try await cloud.refusal("PATCH", lockPath(Self.group), body) }
    }

    @Test func aLockNeedsItsOwnPermission() async throws {
        let owner = RecordingAuthorizer()
        let cloud = Cloud(authorizer: owner)
        _ = try await cloud.ask("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", #"{"location":"uksouth"}"#)
        _ = try await cloud.ask("PUT", lockPath(Self.group), #"{"properties":{"level":"ReadOnly"}}"#)
        _ = try await cloud.ask("DELETE", lockPath(Self.group))
        #expect(owner.asked.suffix(2).map(\.action) == ["Microsoft.Authorization/locks/write", "Microsoft.Authorization/locks/delete"])
        #expect(owner.asked.suffix(2).allSatisfy { $0.scope == "\(Self.group)/providers/Microsoft.Authorization/locks/l1" })
        let nobody = Cloud(authorizer: DenyEverything())
        await #expect(throws: Refused(403, "AuthorizationFailed")) {
            try await nobody.refusal("PUT", lockPath(Self.group), #"{"properties":{"level":"ReadOnly"}}"#)
        }
    }

    @Test func locksOfWhatIsGoneAreForgotten() async throws {
        let service = LocksService(store: InMemoryStore(), clock: ManualClock())
        let grant = try await AllowEverything().grant(.management("x"), to: .platform, on: try #require(ResourceID("/")))
        let scopes = [Self.thing, Self.thing + "/parts/p", Self.group, Self.thing + "0"]
        for scope in scopes {
            let body = try JSON.decode(LockBody.self, from: Array(#"{"properties":{"level":"ReadOnly"}}"#.utf8))
            _ = try await service.put("l", at: try #require(ResourceID(scope)), body, by: grant)
        }
        try await service.removeAll(below: try #require(ResourceID(Self.thing)))
        let left = try await service.list(at: try #require(ResourceID(Self.subscription)), isAtScopeOnly: false)
        #expect(Set(left.map(\.scope.text)) == [Self.group, Self.thing + "0"])
    }
}
