import CofferModel
import CofferPlatform
import CofferTesting
import Synchronization
import Testing

@testable import CofferNetwork

/// The network over a store of its own, and requests to it as the resource manager makes them.
final class NetworkWorld: Sendable {
    static let subscription = "aaaaaaaa-0000-4000-8000-000000000001"
    static let caller = Caller(objectID: "cccccccc", applicationID: "dddddddd", tenantID: "t", address: "127.0.0.1")

    let store = InMemoryStore()
    let authorizer = ListedAuthorizer()
    let services: NetworkServices
    private let forgotten: Forgotten

    /// What was deleted with machines, as the resource manager is told.
    final class Forgotten: Sendable {
        let names = Mutex<[String]>([])
    }

    var forgottenNames: [String] { forgotten.names.withLock { $0 } }

    init(publicNetwork: PublicNetwork = .standard) {
        let forgotten = Forgotten()
        self.forgotten = forgotten
        services = NetworkServices(store: store, authorizer: authorizer, publicNetwork: publicNetwork) { gone in
            forgotten.names.withLock { $0.append(gone.name) }
        }
    }

    static func id(_ path: String, group: String = "rg") -> String {
        "/subscriptions/\(subscription)/resourceGroups/\(group)/providers/Microsoft.Network/\(path)"
    }

    static func resourceID(_ path: String, group: String = "rg") -> ResourceID { ResourceID(id(path, group: group)) ?? ResourceID(subscription: "") }

    static func machine(_ name: String) -> ResourceID {
        ResourceID(subscription: subscription, group: "rg", namespace: "Microsoft.Compute", type: "virtualMachines", name: name)
    }

    /// What the provider answers to a request for `path` below `providers/Microsoft.Network`.
    @discardableResult
    func ask(
        _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, group: String? = "rg", headers: [String: String] = [:],
        query: [(name: String, value: String)] = []
    ) async throws -> NetworkAnswer {
        let parts = path.split(separator: "/").map(String.init)
        let scope = ResourceID(subscription: Self.subscription, group: group)
        let grant = try await AllowEverything().grant(.management("Microsoft.Network/*"), to: Self.caller, on: scope)
        let http = APIRequest(
            method: method, host: "localhost:8443", path: parts, query: query, headers: headers, body: try body.map { try JSON.encode($0) } ?? [],
            address: "127.0.0.1", requestID: "r", received: ManualClock().now())
        do {
            let answer = try await services.provider.handle(
                ARMRequest(http: http, path: parts, subscription: Self.subscription, group: group, grant: grant))
            let body = answer.body.isEmpty ? JSONValue.null : try JSON.decode(JSONValue.self, from: answer.body)
            return NetworkAnswer(status: answer.status, body: body)
        } catch let error as APIError {
            throw NetworkRefusal(status: error.status, code: error.code)
        }
    }

    /// Asks for what must be refused.
    func refuse(
        _ code: String, _ status: Int = 400, _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, group: String? = "rg",
        headers: [String: String] = [:], sourceLocation: SourceLocation = #_sourceLocation
    ) async {
        await #expect(throws: NetworkRefusal(status: status, code: code), sourceLocation: sourceLocation) {
            try await self.ask(method, path, body, group: group, headers: headers)
        }
    }

    // MARK: Bodies

    static func resource(_ properties: JSONValue, location: String = "uksouth", more: [String: JSONValue] = [:]) -> JSONValue {
        .object(["location": .string(location), "properties": properties].merging(more) { _, new in new })
    }

    static func virtualNetwork(_ prefixes: [String] = ["10.0.0.0/16"], subnets: [String: String]? = ["s1": "10.0.0.0/24"]) -> JSONValue {
        var properties: [String: JSONValue] = ["addressSpace": ["addressPrefixes": .array(prefixes.map { .string($0) })]]
        if let subnets {
            properties["subnets"] = .array(subnets.sorted { $0.key < $1.key }.map {
                ["name": .string($0.key), "properties": ["addressPrefix": .string($0.value)]]
            })
        }
        return resource(.object(properties))
    }

    static func rule(
        _ name: String, _ priority: Int64, port: String = "22", access: String = "Allow", direction: String = "Inbound", transport: String = "Tcp",
        from source: String = "*", to destination: String = "*"
    ) -> JSONValue {
        [
            "name": .string(name),
            "properties": [
                "priority": .int(priority), "access": .string(access), "direction": .string(direction), "protocol": .string(transport),
                "sourcePortRange": "*", "destinationPortRange": .string(port), "sourceAddressPrefix": .string(source),
                "destinationAddressPrefix": .string(destination),
            ],
        ]
    }

    static func group(_ rules: JSONValue...) -> JSONValue { resource(["securityRules": .array(rules)]) }

    static func configuration(
        _ name: String = "ipconfig1", subnet: String = id("virtualNetworks/v1/subnets/s1"), address: String? = nil, publicAddress: String? = nil,
        more: [String: JSONValue] = [:]
    ) -> JSONValue {
        var properties: [String: JSONValue] = ["subnet": ["id": .string(subnet)]]
        if let address {
            properties["privateIPAddress"] = .string(address)
            properties["privateIPAllocationMethod"] = "Static"
        }
        if let publicAddress { properties["publicIPAddress"] = ["id": .string(id("publicIPAddresses/\(publicAddress)"))] }
        return ["name": .string(name), "properties": .object(properties.merging(more) { _, new in new })]
    }

    static func interface(_ configurations: JSONValue..., group: String? = nil) -> JSONValue {
        var properties: [String: JSONValue] = ["ipConfigurations": .array(configurations)]
        if let group { properties["networkSecurityGroup"] = ["id": .string(id("networkSecurityGroups/\(group)"))] }
        return resource(.object(properties))
    }

    static func publicAddress(sku: String = "Standard", method: String = "Static", more: [String: JSONValue] = [:]) -> JSONValue {
        resource(.object(["publicIPAllocationMethod": .string(method)].merging(more) { _, new in new }), more: ["sku": ["name": .string(sku)]])
    }

    /// A virtual network `v1` with a subnet `s1`, an address `p1`, a group `g1` that lets port 22 in, and an interface `n1` of all these.
    func makeInterface() async throws {
        try await ask(.put, "virtualNetworks/v1", Self.virtualNetwork())
        try await ask(.put, "networkSecurityGroups/g1", Self.group(Self.rule("ssh", 1000)))
        try await ask(.put, "publicIPAddresses/p1", Self.publicAddress())
        try await ask(.put, "networkInterfaces/n1", Self.interface(Self.configuration(publicAddress: "p1"), group: "g1"))
    }
}

struct NetworkAnswer: Sendable {
    let status: Int
    let body: JSONValue

    var properties: JSONValue { body["properties"] ?? .null }
    /// Of a network interface: the properties of its first configuration.
    var configuration: JSONValue { properties["ipConfigurations"]?.array?.first?["properties"] ?? .null }
}

struct NetworkRefusal: Error, Equatable {
    let status: Int
    let code: String
}

/// Allows everything but what a test takes away.
final class ListedAuthorizer: Authorizer {
    private let forbidden = Mutex<Set<String>>([])

    func forbid(_ action: String) { forbidden.withLock { _ = $0.insert(action) } }

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        !forbidden.withLock { $0.contains(action.name) }
    }
}
