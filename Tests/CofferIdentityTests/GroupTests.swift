import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct GroupTests {
    @Test func `a group is made, found, changed and removed`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeGroup("operators")
        for filter in ["displayName eq 'operators' and mailNickname eq 'g'", "startswith(displayName,'op')", "securityEnabled eq true"] {
            let found = try await fixture.graph(.get, "/v1.0/groups", query: [("$filter", filter)]).json["value"]?.array
            #expect(found?.map { $0["id"] } == [.string(id)], "\(filter)")
        }
        #expect(try await fixture.graph(.patch, "/v1.0/groups/\(id)", body: #"{"description":"who operates"}"#).status == 204)
        let shown = try await fixture.graph(.get, "/v1.0/groups/\(id)").json
        #expect(shown["description"] == "who operates" && shown["displayName"] == "operators")
        #expect(shown["@odata.type"] == "#microsoft.graph.group" && shown["securityEnabled"] == true)
        #expect(try await fixture.graph(.get, "/v1.0/groups/\(id)/owners").json["value"] == [])
        #expect(try await fixture.graph(.delete, "/v1.0/groups/\(id)").status == 204)
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.get, "/v1.0/groups/\(id)") }
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.delete, "/v1.0/groups/\(id)") }
        for body in [
            #"{"displayName":"a","mailNickname":"a","mailEnabled":true,"securityEnabled":true}"#, #"{"displayName":"a"}"#,
            #"{"displayName":"a","mailNickname":"a","securityEnabled":false}"#, #"{"mailNickname":"a"}"#,
            #"{"displayName":"a","mailNickname":"a","members@odata.bind":["https://x/y"]}"#,
        ] {
            await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/groups", body: body) }
        }
    }

    @Test func `members of every kind are added, listed, checked and removed`() async throws {
        let fixture = try await Fixture()
        let group = try await fixture.makeGroup("g")
        let inner = try await fixture.makeGroup("inner")
        let user = try await fixture.makeUser("ann")
        let identity = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        for member in [inner, user, identity] { try await fixture.addMember(member, to: group) }
        let members = try await fixture.graph(.get, "/v1.0/groups/\(group)/members").json["value"]?.array ?? []
        #expect(Set(members.compactMap { $0["id"]?.string }) == [inner, user, identity])
        #expect(Set(members.compactMap { $0["@odata.type"]?.string }).count == 3)
        func check(_ member: String) async throws -> JSONValue? {
            let body = #"{"groupIds":["\#(group)","00000000-0000-0000-0000-000000000000"]}"#
            return try await fixture.graph(.post, "/v1.0/directoryObjects/\(member)/checkMemberGroups", body: body).json["value"]
        }
        #expect(try await check(user) == [.string(group)])
        let memberOf = try await fixture.graph(.post, "/v1.0/users/\(user)/getMemberGroups", body: #"{"securityEnabledOnly":false}"#)
        #expect(memberOf.json["value"] == [.string(group)])
        try await fixture.removeMember(user, from: group)
        #expect(try await check(user) == [])
        let again = #"{"@odata.id":"https://localhost:8443/v1.0/directoryObjects/\#(inner)"}"#
        await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/groups/\(group)/members/$ref", body: again) }
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.delete, "/v1.0/groups/\(group)/members/\(user)/$ref") }
        for id in ["00000000-0000-0000-0000-000000000000", "x", ""] {
            await expect(404, "Request_ResourceNotFound") {
                try await fixture.graph(.post, "/v1.0/groups/\(group)/members/$ref", body: #"{"@odata.id":"https://h/\#(id)"}"#)
            }
        }
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.post, "/v1.0/groups/\(user)/members/$ref", body: again) }
    }

    @Test func `a role of a group is its members', through groups in groups`() async throws {
        let fixture = try await Fixture()
        let outer = try await fixture.makeGroup("outer")
        let middle = try await fixture.makeGroup("middle")
        let inner = try await fixture.makeGroup("inner")
        let principal = try await fixture.addApplication(named: "app").principal.objectID
        let key = try #require(fixture.vault().child("keys", "k"))
        let other = try #require(fixture.vault().child("keys", "k2"))
        try await fixture.assign("Key Vault Crypto User", to: outer, at: key, type: "Group")
        try await fixture.addMember(principal, to: inner)
        try await fixture.addMember(inner, to: middle)
        #expect(try await !fixture.allows(principal, "keys/sign/action", on: key))
        try await fixture.addMember(middle, to: outer)
        #expect(try await fixture.allows(principal, "keys/sign/action", on: key))
        #expect(try await !fixture.allows(principal, "keys/sign/action", on: other))
        #expect(try await !fixture.allows(principal, "keys/delete", on: key))
        try await fixture.removeMember(inner, from: middle)
        #expect(try await !fixture.allows(principal, "keys/sign/action", on: key))
        try await fixture.addMember(inner, to: middle)
        #expect(try await fixture.allows(principal, "keys/sign/action", on: key))
        #expect(try await fixture.graph(.delete, "/v1.0/groups/\(middle)").status == 204)
        #expect(try await !fixture.allows(principal, "keys/sign/action", on: key))
        #expect(try await fixture.store.read { try $0.groups(of: principal) } == [inner])
    }

    @Test func `groups in a circle end nothing and give what each of them has`() async throws {
        let fixture = try await Fixture()
        let first = try await fixture.makeGroup("first")
        let second = try await fixture.makeGroup("second")
        let user = try await fixture.makeUser("ann")
        try await fixture.addMember(second, to: first)
        try await fixture.addMember(first, to: second)
        try await fixture.addMember(first, to: first)
        try await fixture.addMember(user, to: first)
        try await fixture.assign("Key Vault Secrets User", to: second, at: fixture.vault(), type: "Group")
        #expect(try await fixture.allows(user, "secrets/getSecret/action"))
        #expect(try await fixture.store.read { try $0.groups(of: user) } == [first, second].sorted())
        let all = try await fixture.graph(.get, "/v1.0/groups/\(first)/transitiveMembers").json["value"]?.array
        #expect(all?.count == 3)
        try await fixture.removeMember(first, from: second)
        #expect(try await !fixture.allows(user, "secrets/getSecret/action"))
        #expect(try await fixture.graph(.delete, "/v1.0/groups/\(first)").status == 204)
        #expect(try await fixture.store.read { try $0.membership(of: user) } == nil)
        #expect(try await fixture.store.read { try $0.documents(in: MembershipRecord.members, prefix: "", after: nil, limit: 9) }.isEmpty)
    }

    @Test func `who is gone is in no group, and a group that is gone has no role`() async throws {
        let fixture = try await Fixture()
        let group = try await fixture.makeGroup("g")
        let user = try await fixture.makeUser("ann")
        let app = try await fixture.addApplication(named: "app").principal.objectID
        for member in [user, app] { try await fixture.addMember(member, to: group) }
        try await fixture.assign("Key Vault Reader", to: group, at: fixture.vault(), type: "Group")
        #expect(try await fixture.graph(.delete, "/v1.0/users/\(user)").status == 204)
        #expect(try await fixture.graph(.delete, "/v1.0/servicePrincipals/\(app)").status == 204)
        #expect(try await fixture.graph(.get, "/v1.0/groups/\(group)/members").json["value"] == [])
        #expect(try await fixture.store.read { try $0.documents(in: MembershipRecord.collection, prefix: "", after: nil, limit: 9) }.isEmpty)
        #expect(try await fixture.graph(.delete, "/v1.0/groups/\(group)").status == 204)
        #expect(try await fixture.store.read { try $0.roleAssignments(of: group) }.isEmpty)
    }

    @Test func `a member that comes or goes is told to who follows keys`() async throws {
        let fixture = try await Fixture()
        let group = try await fixture.makeGroup("g")
        let inner = try await fixture.makeGroup("inner")
        let identity = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        try await fixture.assign("Key Vault Crypto Service Encryption User", to: group, at: fixture.vault(), type: "Group")
        try await fixture.addMember(inner, to: group)
        var before = try await fixture.keyChanges().count
        var rings = fixture.bell.rings().makeAsyncIterator()
        let told = [KeyChange(kind: .access, scope: fixture.vault(), key: nil, version: nil)]
        try await fixture.addMember(identity, to: inner)
        #expect(try await fixture.keyChanges().dropFirst(before) == told[...])
        #expect(await rings.next() != nil)
        before += 1
        try await fixture.removeMember(identity, from: inner)
        #expect(try await fixture.keyChanges().dropFirst(before) == told[...])
        before += 1
        try await fixture.addMember(identity, to: inner)
        before += 1
        #expect(try await fixture.graph(.delete, "/v1.0/groups/\(inner)").status == 204)
        #expect(try await !fixture.keyChanges().dropFirst(before).isEmpty)
    }

    @Test func `assignments say whose they are, and assignedTo counts groups`() async throws {
        let fixture = try await Fixture()
        let group = try await fixture.makeGroup("g")
        let user = try await fixture.makeUser("ann")
        try await fixture.addMember(user, to: group)
        let ofGroup = try await fixture.assign("Key Vault Reader", to: group, at: fixture.vault(), type: "Group")
        let ofUser = try await fixture.assign("Reader", to: user, at: fixture.vault(), type: .null)
        func list(_ filter: String) async throws -> [String: String] {
            let answer = try await fixture.authorization(.get, "roleAssignments", at: fixture.vault(), filter: filter)
            return Dictionary(uniqueKeysWithValues: (answer.json["value"]?.array ?? []).map {
                ($0["name"]?.string ?? "", $0["properties"]?["principalType"]?.string ?? "")
            })
        }
        #expect(try await list("assignedTo('\(user)')") == [ofGroup: "Group", ofUser: "User"])
        #expect(try await list("principalId eq '\(user)'") == [ofUser: "User"])
        for (principal, type) in [(user, "Group"), (group, "User"), (user, "ServicePrincipal"), (fixture.administrator.objectID, "User")] {
            await expect(400, "UnmatchedPrincipalType") {
                try await fixture.assign("Key Vault Administrator", to: principal, at: fixture.vault(), type: .string(type))
            }
        }
    }

    @Test func `changes at the same time leave the groups that a search finds`() async throws {
        let fixture = try await Fixture()
        let grant = try await fixture.directoryGrant()
        var random = SeededRandom(seed: 7)
        var groups: [String] = []
        var users: [String] = []
        for number in 0..<6 { groups.append(try await fixture.makeGroup("g\(number)")) }
        for number in 0..<4 { users.append(try await fixture.makeUser("u\(number)")) }
        let changes = (0..<300).map { _ in
            (
                group: groups.randomElement(using: &random) ?? "", member: (groups + users).randomElement(using: &random) ?? "",
                isAdded: Bool.random(using: &random)
            )
        }
        await withTaskGroup(of: Void.self) { tasks in
            for change in changes {
                tasks.addTask {
                    do {
                        if change.isAdded {
                            try await fixture.directory.groups.addMember(change.member, to: change.group, by: grant)
                        } else {
                            try await fixture.directory.groups.removeMember(change.member, from: change.group, by: grant)
                        }
                    } catch let error as APIError {
                        #expect(["Request_BadRequest", "Request_ResourceNotFound"].contains(error.code))
                    } catch {
                        Issue.record("\(error)")
                    }
                }
            }
        }
        // Which groups hold whom, from the members' documents alone.
        let edges = try await fixture.store.read { try $0.documents(in: MembershipRecord.members, prefix: "", after: nil, limit: 1000) }
            .map { $0.id.split(separator: "/").map(String.init) }
        #expect(!edges.isEmpty)
        for member in groups + users {
            var expected: Set<String> = []
            var open = [member]
            while let next = open.popLast() {
                for edge in edges where edge[1] == next && expected.insert(edge[0]).inserted { open.append(edge[0]) }
            }
            #expect(Set(try await fixture.store.read { try $0.groups(of: member) }) == expected)
        }
    }
}
