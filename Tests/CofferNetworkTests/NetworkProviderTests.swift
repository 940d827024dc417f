import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferNetwork

@Suite("The network as a resource provider")
struct NetworkProviderTests {
    let world = NetworkWorld()

    @Test("Resources are listed so that deleting them in that order leaves none")
    func order() async throws {
        try await world.makeInterface()
        try await world.ask(.put, "networkInterfaces/n2", NetworkWorld.interface(NetworkWorld.configuration(), group: "g1"))
        let provider = world.services.provider
        let listed = try await provider.resources(in: NetworkWorld.subscription, group: "RG")
        #expect(listed.map(\.id.name) == ["n1", "n2", "p1", "v1", "g1"])
        let grant = try await AllowEverything().grant(.management("*"), to: NetworkWorld.caller, on: ResourceID(subscription: NetworkWorld.subscription, group: "rg"))
        for resource in listed { try await provider.delete(resource.id, by: grant) }
        #expect(try await provider.resources(in: NetworkWorld.subscription, group: nil).isEmpty)
    }

    @Test("Everything that was written is there for a process that starts anew")
    func restart() async throws {
        try await world.makeInterface()
        let before = try await world.ask(.get, "networkInterfaces/n1")
        let after = NetworkServices(store: world.store, authorizer: AllowEverything())
        let plan = try await after.interfaces.plan(of: NetworkWorld.resourceID("networkInterfaces/n1"))
        #expect(plan.privateAddress == before.configuration["privateIPAddress"]?.string)
        let shown = try await after.provider.resources(in: NetworkWorld.subscription, group: nil)
        #expect(shown.count == 4)
    }
}
