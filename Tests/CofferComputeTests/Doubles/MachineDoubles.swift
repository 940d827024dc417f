import CofferModel
import CofferPlatform
import Synchronization

/// A hypervisor that remembers what it was asked.
final class MachineHostDouble: MachineHost {
    private struct Contents: Sendable {
        var plans: [MachineID: MachinePlan] = [:]
        var commands: [String] = []
        var refusal: MachineFailure?
        var silent: Set<GuestPort> = []
        var reached: [MachineID: Set<GuestPort>] = [:]
        var followed: [MachineID: [NetworkInterfacePlan]] = [:]
    }

    private let contents = Mutex(Contents())

    /// What runs.
    var running: [MachineID: MachinePlan] { contents.withLock { $0.plans } }
    /// In words, since the start.
    var commands: [String] { contents.withLock { $0.commands } }

    /// The ports that were made reachable last.
    var reached: [MachineID: Set<GuestPort>] { contents.withLock { $0.reached } }

    /// What everything but an end is refused with.
    func refuse(_ failure: MachineFailure?) { contents.withLock { $0.refusal = failure } }

    /// Ends a machine behind the platform's back.
    func crash(_ machine: MachineID) { contents.withLock { $0.plans[machine] = nil } }

    func start(_ plan: MachinePlan) async throws {
        try contents.withLock { contents in
            if let refusal = contents.refusal { throw refusal }
            contents.plans[plan.id] = plan
            contents.commands.append("start \(plan.name) \(plan.disks.map(\.name).joined(separator: ","))")
        }
    }

    func isRunning(_ machine: MachineID) async -> Bool { running[machine] != nil }

    func acceleration(of machine: MachineID) async -> MachineAcceleration? {
        running[machine] == nil ? nil : MachineAcceleration(.tcg, reason: "there is no KVM")
    }

    func perform(_ command: MachineCommand, on machine: MachineID) async throws {
        try contents.withLock { contents in
            switch command {
            case .stop(let grace):
                if contents.plans.removeValue(forKey: machine) != nil { contents.commands.append("stop \(grace.components.seconds)") }
                return
            case .forget:
                contents.commands.append("forget")
                return
            default: break
            }
            if let refusal = contents.refusal { throw refusal }
            guard contents.plans[machine] != nil else { throw MachineFailure(.notRunning, "it does not run") }
            switch command {
            case .plug(let disk): contents.commands.append("plug \(disk.name)")
            case .unplug(let name): contents.commands.append("unplug \(name)")
            case .stop, .forget: break
            }
        }
    }

    func run(_ script: String, in machine: MachineID) async throws -> GuestOutput {
        guard running[machine] != nil else { throw MachineFailure(.notRunning, "it does not run") }
        return GuestOutput(status: 0, output: Array(script.utf8), errors: Array("nothing".utf8))
    }

    /// Ports that do not answer probes.
    func silence(_ ports: Set<GuestPort>) { contents.withLock { $0.silent = ports } }

    func follows(_ machine: MachineID) async -> Bool { running[machine] != nil }

    func follow(_ interfaces: [NetworkInterfacePlan], of machine: MachineID) async throws {
        guard running[machine] != nil else { throw MachineFailure(.notRunning, "it does not run") }
        contents.withLock { $0.followed[machine] = interfaces }
    }

    /// What the networks of machines were last to be as.
    var followed: [MachineID: [NetworkInterfacePlan]] { contents.withLock { $0.followed } }

    /// Machine ports are reached at the port of the same number of 127.0.0.1.
    func reach(_ ports: Set<GuestPort>, probing probed: Set<GuestPort>, of machine: MachineID) async throws -> [GuestPort: HostEndpoint] {
        guard running[machine] != nil else { throw MachineFailure(.notRunning, "it does not run") }
        try contents.withLock { contents in
            if let refusal = contents.refusal { throw refusal }
            contents.reached[machine] = ports
        }
        return Dictionary(ports.map { ($0, HostEndpoint(address: "127.0.0.1", port: $0.number)) }) { first, _ in first }
    }

    func answers(at port: GuestPort, of machine: MachineID, within limit: Duration) async -> Bool {
        contents.withLock { !$0.silent.contains(port) }
    }

    func consoleLog(of machine: MachineID) async -> [UInt8] { Array("hello".utf8) }
}

/// A network in which every interface exists, and that remembers whose each is.
final class InterfacesDouble: NetworkInterfaces {
    private let machines = Mutex<[ResourceID: ResourceID]>([:])

    /// Those that were made with machines.
    private let made = Mutex<[ResourceID: JSONValue]>([:])

    var makings: [ResourceID] { made.withLock { $0.keys.sorted { $0.key < $1.key } } }
    var owners: [ResourceID: ResourceID] { machines.withLock { $0 } }

    func plan(of interface: ResourceID) async throws -> NetworkInterfacePlan {
        NetworkInterfacePlan(
            id: interface, macAddress: "00:0d:3a:00:00:01", privateAddress: "10.0.0.4", subnet: "10.0.0.0/24",
            virtualNetwork: interface, addressSpace: ["10.0.0.0/16"], publicAddress: nil, openPorts: [], filter: InterfaceFilter())
    }

    func attach(_ interfaces: [ResourceID], to machine: ResourceID, in location: String) async throws {
        try machines.withLock { machines in
            for interface in interfaces where machines[interface].map({ $0 != machine }) == true {
                throw APIError(status: 400, code: "NicInUse", message: interface.text)
            }
            for interface in interfaces { machines[interface] = machine }
        }
    }

    func detach(allOf machine: ResourceID, keeping kept: [ResourceID]) async throws {
        machines.withLock { machines in machines = machines.filter { $0.value != machine || kept.contains($0.key) } }
    }

    func remove(_ interface: ResourceID) async throws { made.withLock { $0[interface] = nil } }

    func planned(_ configurations: [JSONValue], for machine: ResourceID) throws -> [PlannedInterface] {
        try configurations.map { configuration in
            guard let name = configuration["name"]?.string, let id = machine.child("networkInterfaces", name) else {
                throw APIError(status: 400, code: "InvalidRequestFormat", message: "no name")
            }
            return PlannedInterface(id: id, isPrimary: true, isDeletedWithMachine: nil, configuration: configuration)
        }
    }

    func make(_ interface: PlannedInterface, in location: String, by grant: Grant) async throws {
        made.withLock { $0[interface.id] = interface.configuration }
    }

    func documents(of part: InterfacePart, below owner: ResourceID) async throws -> [JSONValue] {
        guard part == .interfaces else { return [] }
        return made.withLock { $0.keys.sorted { $0.key < $1.key } }.filter { owner.contains($0) }
            .map { ["id": .string($0.text), "name": .string($0.name)] }
    }
}

/// An image of Debian, and others by their names alone.
struct ImagesDouble: PlatformImages {
    static let image = PlatformImage(
        publisher: "Debian", offer: "debian-12", sku: "12-gen2", version: "12.20260101.0", osType: "Linux", generation: "V2", byteCount: 2 << 30,
        path: "/images/disk.raw")

    private static func image(_ publisher: String, _ offer: String, _ sku: String, _ osType: String) -> PlatformImage {
        PlatformImage(
            publisher: publisher, offer: offer, sku: sku, version: "1.0.0", osType: osType, generation: "V1", byteCount: 2 << 30, path: "/images/disk.raw")
    }

    func images() async throws -> [PlatformImage] {
        [
            Self.image, Self.image("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2", "Linux"),
            Self.image("MicrosoftWindowsServer", "WindowsServer", "2022-datacenter", "Windows"),
        ]
    }
}

/// Sockets that tests ask at by calling.
final class ListenerDouble: GuestListener {
    private let handlers = Mutex<[String: any APIHandler]>([:])

    var paths: [String] { handlers.withLock { $0.keys.sorted() } }

    func handler(at path: String) -> (any APIHandler)? { handlers.withLock { $0[path] } }

    func open(at path: String, _ handler: any APIHandler) async throws { handlers.withLock { $0[path] = handler } }

    func close(at path: String) async { handlers.withLock { $0[path] = nil } }
}

/// Tokens that say whose they are.
struct TokensDouble: IdentityTokens {
    func token(for identity: Caller, resource: String) async throws -> IdentityToken {
        guard resource != "https://nothing" else { throw APIError(status: 400, code: "invalid_resource", message: "no such resource") }
        return IdentityToken(text: "\(identity.objectID) for \(resource)", expires: 5000, expiresInSeconds: 3599)
    }
}

/// A subscription whose features are registered unless a test says otherwise.
final class FeaturesDouble: SubscriptionFeatures {
    private let isOn = Mutex(true)

    func register(_ isRegistered: Bool) { isOn.withLock { $0 = isRegistered } }

    func isRegistered(_ feature: String, of namespace: String, in subscription: String) async throws -> Bool { isOn.withLock { $0 } }
}
