import CofferModel
import CofferTesting
import Testing

@testable import CofferResources

@Suite("Features of a subscription")
struct FeatureTests {
    private static let base = "/subscriptions/\(Cloud.subscription)/providers/Microsoft.Features"
    private static let feature = "\(base)/providers/Microsoft.Compute/features/EncryptionAtHost"
    private static let registration = "\(base)/featureProviders/microsoft.compute/subscriptionFeatureRegistrations/encryptionathost"
    private static let version = "?api-version=2021-07-01"

    private func state(_ cloud: Cloud) async throws -> JSONValue? {
        try await cloud.ask("GET", Self.feature + Self.version).json["properties"]?["state"]
    }

    @Test("A feature is registered and unregistered, at once, and both is told")
    func registering() async throws {
        let cloud = Cloud()
        #expect(try await state(cloud) == "NotRegistered")
        #expect(try await !cloud.features.isRegistered("EncryptionAtHost", of: "Microsoft.Compute", in: Cloud.subscription))
        let registered = try await cloud.ask("POST", "\(Self.feature)/register\(Self.version)")
        #expect(registered.status == 200 && registered.json["properties"]?["state"] == "Registered")
        #expect(registered.json["name"] == "Microsoft.Compute/EncryptionAtHost")
        #expect(registered.json["id"]?.string == Self.feature)
        #expect(try await cloud.features.isRegistered("encryptionathost", of: "microsoft.compute", in: Cloud.subscription))
        #expect(try await cloud.ask("POST", "\(Self.feature)/unregister\(Self.version)").json["properties"]?["state"] == "Unregistered")
        #expect(try await !cloud.features.isRegistered("EncryptionAtHost", of: "Microsoft.Compute", in: Cloud.subscription))
    }

    @Test("Features are listed for all providers and for one")
    func lists() async throws {
        let cloud = Cloud()
        for path in ["features", "providers/Microsoft.Compute/features"] {
            let names = try await cloud.ask("GET", "\(Self.base)/\(path)\(Self.version)").json["value"]?.array?.map { $0["name"] }
            #expect(names == ["Microsoft.Compute/EncryptionAtHost"])
        }
        #expect(try await cloud.ask("GET", "\(Self.base)/providers/Microsoft.Sql/features\(Self.version)").json["value"] == [])
    }

    @Test("The newer registrations are the same thing")
    func registrations() async throws {
        let cloud = Cloud()
        let list = "\(Self.base)/subscriptionFeatureRegistrations\(Self.version)"
        #expect(try await cloud.ask("GET", list).json["value"] == [])
        #expect(try await cloud.ask("DELETE", Self.registration + Self.version).status == 204)
        #expect(try await cloud.ask("PUT", Self.registration + Self.version, "{}").json["properties"]?["state"] == "Registered")
        #expect(try await state(cloud) == "Registered")
        #expect(try await cloud.ask("GET", list).json["value"]?.array?.count == 1)
        #expect(try await cloud.ask("DELETE", Self.registration + Self.version).status == 200)
        #expect(try await state(cloud) == "Unregistered")
    }

    @Test("Unknown features and paths are refused, with what there is")
    func refusals() async throws {
        let cloud = Cloud()
        await #expect(throws: Refused(404, "FeatureNotFound")) {
            try await cloud.refusal("POST", "\(Self.base)/providers/Microsoft.Compute/features/Nothing/register\(Self.version)")
        }
        await #expect(throws: Refused(404, "InvalidResourceType")) { try await cloud.refusal("GET", "\(Self.base)/providers/Microsoft.Compute\(Self.version)") }
        await #expect(throws: Refused(405, "MethodNotAllowed")) { try await cloud.refusal("PUT", Self.feature + Self.version, "{}") }
    }

    @Test("Registering needs its own permission on the subscription")
    func permission() async throws {
        let authorizer = RecordingAuthorizer()
        _ = try await Cloud(authorizer: authorizer).ask("POST", "\(Self.feature)/register\(Self.version)")
        #expect(authorizer.asked.map(\.action).contains("Microsoft.Features/providers/features/register/action"))
        #expect(authorizer.asked.map(\.scope).allSatisfy { $0 == "/subscriptions/\(Cloud.subscription)" })
    }
}
