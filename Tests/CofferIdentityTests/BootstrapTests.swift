import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct BootstrapTests {
    @Test func `the first start makes an owner who can sign in`() async throws {
        let fixture = try await Fixture()
        #expect(GUID.isValid(fixture.settings.tenantID) && GUID.isValid(fixture.settings.subscriptionID))
        #expect(fixture.secret.utf8.count == 43)
        #expect(try await fixture.post(fixture.form()).status == 200)
        let write = Action.management("Microsoft.KeyVault/vaults/write")
        #expect(try await fixture.authorizer.allows(fixture.administrator, write, on: fixture.vault()))
        #expect(try await !fixture.authorizer.allows(fixture.administrator, write, on: ResourceID(subscription: "other")))
    }

    @Test func `a second start, and a second replica, find the same`() async throws {
        let fixture = try await Fixture()
        let again = try await Bootstrap(store: fixture.store, sealer: PlainSealer(), clock: fixture.clock).prepare()
        #expect(again.tenantID == fixture.settings.tenantID)
        #expect(again.subscriptionID == fixture.settings.subscriptionID)
        #expect(again.administratorObjectID == fixture.administrator.objectID)
        #expect(again.administratorApplicationID == fixture.administrator.applicationID)
        #expect(again.administratorSecret.text() == fixture.secret)
    }

    @Test func `replicas that start together make one installation`() async throws {
        let store = InMemoryStore()
        let tenants = try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask { try await Bootstrap(store: store, sealer: PlainSealer(), clock: ManualClock()).prepare().tenantID }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tenants.count == 1)
        let principals = try await store.read { try $0.values(PrincipalRecord.self, in: PrincipalRecord.collection) }
        #expect(principals.count == 1)
    }

    @Test func `the store has no secret in clear outside the seal`() async throws {
        let fixture = try await Fixture()
        let documents = try await fixture.store.read { transaction in
            try transaction.documents(in: PrincipalRecord.collection, prefix: "", after: nil, limit: 10)
        }
        #expect(documents.count == 1)
        for document in documents { #expect(!String(decoding: document.body, as: UTF8.self).contains(fixture.secret)) }
    }

    @Test func `a resource has one identity as long as it keeps it`() async throws {
        let fixture = try await Fixture()
        let first = try await fixture.identities.systemAssigned(for: fixture.vault("des"))
        #expect(try await fixture.identities.systemAssigned(for: fixture.vault("DES")) == first)
        #expect(try await fixture.identities.systemAssigned(for: fixture.vault("des2")) != first)
        #expect(first.tenantID == fixture.settings.tenantID && first.address.isEmpty)
        try await fixture.identities.removeSystemAssigned(of: fixture.vault("des"))
        try await fixture.identities.removeSystemAssigned(of: fixture.vault("des"))
        #expect(try await fixture.identities.systemAssigned(for: fixture.vault("des")) != first)
    }
}
