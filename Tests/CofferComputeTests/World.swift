import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Foundation
import Synchronization

@testable import CofferCompute

/// The disk platform with doubles around it, and a vault `kv1` with a key `key1` of one version, `v1`.
final class World: Sendable {
    static let subscription = "aaaaaaaa-0000-4000-8000-000000000001"
    static let tenant = "bbbbbbbb-0000-4000-8000-000000000002"
    static let caller = Caller(objectID: "cccccccc", applicationID: "dddddddd", tenantID: tenant, address: "127.0.0.1")
    static let suffix = "vault.localhost:8443"

    let store = InMemoryStore()
    let clock = ManualClock()
    let vaults: KeyVaultDouble
    let host = DiskHostDouble()
    let machines = MachineHostDouble()
    let interfaces = InterfacesDouble()
    let balancers = BalancersDouble()
    let portServer = PortServerDouble()
    let listener = ListenerDouble()
    let features = FeaturesDouble()
    let contents = DiskContentsDouble()
    let identities = ManagedIdentitiesDouble()
    let authorizer = AuthorizerDouble()
    let audit = RecordingAuditLog()
    let bell = EventBell()
    let ruleSet: RuleSet
    let enforcesPerformance: Bool
    private let log = Mutex<[String]>([])

    /// The lines of the log.
    var lines: [String] { log.withLock { $0 } }

    init(_ ruleSet: RuleSet = .year2021, enforcesPerformance: Bool = false) {
        self.enforcesPerformance = enforcesPerformance
        self.ruleSet = ruleSet
        vaults = KeyVaultDouble(clock: clock)
        vaults.change("kv1", "key1", "v1") { _ in }
    }

    /// The platform as a process that has just started over what is stored.
    func start(fuse: Fuse? = nil, poll: Duration = .seconds(3600), images: any DiskImageReader = DiskImportTests.ReaderDouble(),
        certificates: (any DiskCertificates)? = nil
    ) -> ComputeServices {
        ComputeServices(
            store: fuse.map { FusedStore(base: store, fuse: $0) } ?? store, customerKeys: vaults, platformKeys: PlatformKeysDouble(),
            diskHost: fuse.map { FusedHost(base: host, fuse: $0) } ?? host, contents: contents,
            identities: fuse.map { FusedIdentities(base: identities, fuse: $0) } ?? identities, authorizer: authorizer,
            authenticator: AuthenticatorDouble(), audit: audit, clock: clock, bell: bell,
            settings: ComputeSettings(
                ruleSet: ruleSet, authority: "https://localhost:8443", tenantID: Self.tenant, subscriptionID: Self.subscription, region: "uksouth",
                audiences: ["https://localhost:8443"], diskStore: .files("/data/disks"), machinesPath: "/data/run/vm",
                certificateAuthority: "PEM", vaultSuffix: Self.suffix, enforcesPerformance: enforcesPerformance),
            machines: MachinePorts(
                interfaces: interfaces, balancers: balancers, portServer: portServer, host: machines, images: ImagesDouble(), tokens: TokensDouble(),
                listener: listener, features: features, sealer: PlainSealer()),
            imageReader: images, certificates: certificates,
            poll: poll, report: { line in self.log.withLock { $0.append(line) } })
    }

    // MARK: Azure Resource Manager

    static func key(_ version: String?, vault: String = "kv1", key: String = "key1") -> String {
        "https://\(vault).\(suffix)/keys/\(key)" + (version.map { "/\($0)" } ?? "")
    }

    static func id(_ type: String, _ name: String, group: String = "rg") -> ResourceID {
        ResourceID(subscription: subscription, group: group, namespace: "Microsoft.Compute", type: type, name: name)
    }

    static func set(_ name: String) -> ResourceID { id("diskEncryptionSets", name) }
    static func identity(_ name: String) -> ResourceID {
        ResourceID(subscription: subscription, group: "rg", namespace: "Microsoft.ManagedIdentity", type: "userAssignedIdentities", name: name)
    }
    static func disk(_ name: String) -> ResourceID { id("disks", name) }

    func request(_ method: APIRequest.Method, path: [String], body: [UInt8], token: String? = nil) -> APIRequest {
        APIRequest(
            method: method, host: "localhost:8443", path: path, query: [("api-version", "2025-01-02")],
            headers: token.map { ["authorization": "Bearer \($0)"] } ?? [:], body: body, address: "127.0.0.1", requestID: "r",
            received: clock.now())
    }

    /// What the provider answers to a request for `path` below `providers/Microsoft.Compute`.
    func arm(
        _ services: ComputeServices, _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, group: String? = "rg"
    ) async throws -> (status: Int, body: JSONValue) {
        try await arm(services, method, path, bytes: try body.map { try JSON.encode($0) } ?? [], group: group)
    }

    func arm(
        _ services: ComputeServices, _ method: APIRequest.Method, _ path: String, bytes: [UInt8], group: String? = "rg"
    ) async throws -> (status: Int, body: JSONValue) {
        let parts = path.split(separator: "/").map(String.init)
        let scope = ResourceID(subscription: Self.subscription, group: group)
        let grant = try await AllowEverything().grant(.management("Microsoft.Compute/*"), to: Self.caller, on: scope)
        let answer = try await services.provider.handle(ARMRequest(
            http: request(method, path: parts, body: bytes), path: parts, subscription: Self.subscription, group: group, grant: grant))
        return (answer.status, answer.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: answer.body))
    }

    static func setBody(
        _ version: String? = "v1", type: DiskEncryptionType? = nil, rotates: Bool? = nil, vault: String = "kv1", location: String = "uksouth"
    ) -> JSONValue {
        var properties: [String: JSONValue] = ["activeKey": ["keyUrl": .string(key(version, vault: vault))]]
        if let type { properties["encryptionType"] = .string(type.rawValue) }
        if let rotates { properties["rotationToLatestKeyVersionEnabled"] = .bool(rotates) }
        return ["location": .string(location), "identity": ["type": "SystemAssigned"], "properties": .object(properties)]
    }

    static func diskBody(
        _ type: DiskEncryptionType? = nil, set: String? = nil, size: Int64 = 8, sku: String = "Premium_LRS", location: String = "uksouth"
    ) -> JSONValue {
        var encryption: [String: JSONValue] = [:]
        if let type { encryption["type"] = .string(type.rawValue) }
        if let set { encryption["diskEncryptionSetId"] = .string(Self.set(set).text) }
        return [
            "location": .string(location), "sku": ["name": .string(sku)], "tags": [:],
            "properties": [
                "creationData": ["createOption": "Empty"], "diskSizeGB": .int(size),
                "encryption": encryption.isEmpty ? .null : .object(encryption),
            ],
        ]
    }

    /// Makes a set and gives its identity the permission on `kv1`.
    @discardableResult
    func makeSet(
        _ services: ComputeServices, _ name: String = "des1", type: DiskEncryptionType? = nil, rotates: Bool? = nil
    ) async throws -> JSONValue {
        let answer = try await arm(services, .put, "diskEncryptionSets/\(name)", Self.setBody(type: type, rotates: rotates)).body
        let principal = answer["identity"]?["principalId"]?.string ?? ""
        vaults.change("kv1") { $0.allowed.insert(principal) }
        return answer
    }

    @discardableResult
    func makeDisk(
        _ services: ComputeServices, _ name: String = "disk1", set: String? = "des1", type: DiskEncryptionType? = nil
    ) async throws -> JSONValue {
        try await arm(services, .put, "disks/\(name)", Self.diskBody(type, set: set)).body
    }

    // MARK: Coffer's own operations

    @discardableResult
    func call(
        _ services: ComputeServices, _ operation: String, _ disk: String = "disk1", body: JSONValue? = nil, token: String? = "operator"
    ) async throws -> JSONValue {
        let path = ["coffer", "v1", "subscriptions", Self.subscription, "resourceGroups", "rg", "disks", disk, operation]
        let answer = try await services.diskOperations.handle(
            request(.post, path: path, body: try body.map { try JSON.encode($0) } ?? [], token: token))
        return try JSON.decode(JSONValue.self, from: answer.body)
    }

    // MARK: Access to contents

    /// Makes a disk that is to be uploaded, of `size` bytes without the footer.
    @discardableResult
    func makeUpload(_ services: ComputeServices, _ name: String = "disk1", size: Int64 = 32 << 20) async throws -> JSONValue {
        try await arm(services, .put, "disks/\(name)", [
            "location": "uksouth", "properties": ["creationData": ["createOption": "Upload", "uploadSizeBytes": .int(size + 512)]],
        ]).body
    }

    /// Grants access and returns the URL, as a client that follows the answer gets it.
    func grantAccess(
        _ services: ComputeServices, _ path: String = "disks/disk1", _ level: String = "Read", seconds: Int64 = 3600
    ) async throws -> String {
        let body: JSONValue = ["access": .string(level), "durationInSeconds": .int(seconds)]
        let parts = (path + "/beginGetAccess").split(separator: "/").map(String.init)
        let grant = try await AllowEverything().grant(.management("Microsoft.Compute/*"), to: Self.caller, on: ResourceID(subscription: Self.subscription))
        let answer = try await services.provider.handle(ARMRequest(
            http: request(.post, path: parts, body: try JSON.encode(body)), path: parts, subscription: Self.subscription, group: "rg", grant: grant))
        guard answer.status == 202, let address = answer.headers["location"] else { throw APIError.invalidParameter("not accepted") }
        let shown = try JSON.decode(JSONValue.self, from: try await open(services, .get, address).body)
        return shown["accessSAS"]?.string ?? ""
    }

    /// What is answered at a URL of an access.
    func open(
        _ services: ComputeServices, _ method: APIRequest.Method, _ url: String, headers: [String: String] = [:], body: [UInt8] = []
    ) async throws -> (status: Int, code: String?, headers: [String: String], body: [UInt8]) {
        let halves = url.split(separator: "?", maxSplits: 1).map(String.init)
        let path = RequestTarget.segments(of: halves[0].replacing("https://localhost:8443", with: "")) ?? []
        let answer = try await services.diskAccess.handle(APIRequest(
            method: method, host: "localhost:8443", path: path, query: RequestTarget.query(of: halves.count == 2 ? halves[1] : nil) ?? [],
            headers: headers, body: body, address: "127.0.0.1", requestID: "r", received: clock.now()))
        var bytes = answer.body
        if let content = answer.content, method != .head { bytes = try await content.read(0, Int(min(content.byteCount, 1 << 20))) }
        return (answer.status, answer.headers["x-ms-error-code"], answer.headers, bytes)
    }

    // MARK: What is stored

    func record(_ disk: String = "disk1") async throws -> DiskRecord? {
        try await store.read { try $0.disk(Self.disk(disk)) }
    }

    func setRecord(_ name: String = "des1") async throws -> EncryptionSetRecord? {
        try await store.read { try $0.encryptionSet(Self.set(name)) }
    }

    /// A disk as its host has it.
    func hosted(_ disk: String = "disk1") async throws -> DiskHostDouble.Disk? {
        guard let record = try await record(disk) else { return nil }
        return host.disks[record.disk]
    }

    /// Tells that something happened to a key, as the vault does.
    func announce(_ kind: KeyChange.Kind, vault: String = "kv1", key: String? = "key1", scope: ResourceID? = nil) async throws {
        let scope = scope ?? ResourceID(
            subscription: Self.subscription, group: "rg", namespace: "Microsoft.KeyVault", type: "vaults", name: vault)
        let event = try JSON.encode(KeyChange(kind: kind, scope: scope, key: key, version: nil))
        _ = try await store.write { try $0.append(event, to: KeyChange.stream) }
        bell.ring()
    }
}

extension APIError {
    /// What tests compare.
    var short: String { "\(status) \(code)" }
}

/// The refusal that `body` ends with, or nil.
func refusal(_ body: () async throws -> Void) async -> APIError? {
    do {
        try await body()
        return nil
    } catch let error as APIError {
        return error
    } catch {
        return APIError(status: 0, code: "\(error)", message: "")
    }
}
