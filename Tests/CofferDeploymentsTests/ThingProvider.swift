import CofferModel
import CofferPlatform
import Synchronization

/// A namespace of things that can be put, read and deleted, some of them slow or bound to fail by their own properties.
final class ThingProvider: ResourceProvider {
    let namespace = "Test.Things"
    let types = [ResourceTypeDescription("things", since: "2020-01-01"), ResourceTypeDescription("things/parts", since: "2020-01-01")]

    private struct State {
        var things: [ResourceID: JSONValue] = [:]
        var looks: [ResourceID: Int64] = [:]
        var puts: [String] = []
        var callers: Set<String> = []
        var busy = 0
        var mostBusy = 0
        var isHeld = false
    }

    private let state = Mutex(State())

    /// The names of what was put, in order.
    var puts: [String] { state.withLock { $0.puts } }
    var names: Set<String> { state.withLock { Set($0.things.keys.map(\.name)) } }
    /// The most requests that were answered at a time.
    var mostBusy: Int { state.withLock { $0.mostBusy } }
    var callers: Set<String> { state.withLock { $0.callers } }

    /// Whether requests of things with the property `held` wait.
    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

    func thing(_ name: String) -> JSONValue? { state.withLock { $0.things.first { $0.key.name == name }?.value } }

    func handle(_ request: ARMRequest) async throws -> APIResponse {
        let id = request.grant.scope
        switch request.http.method {
        case .put: return try await put(id, request)
        case .get:
            let (thing, looks) = state.withLock { state in
                state.looks[id, default: 0] += 1
                return (state.things[id], state.looks[id, default: 0])
            }
            guard let thing else { throw APIError.resourceNotFound(id) }
            return try .json(Self.settled(thing, after: looks))
        case .delete:
            try delete(id)
            return APIResponse(status: 200)
        case .post: return try .json(["secret": .string("of \(id.name)")] as JSONValue)
        default: throw APIError.methodNotAllowed(request.http.method.rawValue, request.http.uri)
        }
    }

    private func put(_ id: ResourceID, _ request: ARMRequest) async throws -> APIResponse {
        let body = try request.http.decode(JSONValue.self)
        state.withLock { state in
            state.busy += 1
            state.mostBusy = max(state.mostBusy, state.busy)
            state.puts.append(id.name)
            state.callers.insert(request.grant.caller.objectID)
        }
        defer { state.withLock { $0.busy -= 1 } }
        await Task.yield()
        if body["properties"]?["held"] == true {
            while state.withLock({ $0.isHeld }) { try? await Task.sleep(for: .milliseconds(5)) }
        }
        if let reason = body["properties"]?["fail"]?.string { throw APIError(status: 409, code: "ThingConflict", message: reason) }
        var thing = body.object ?? [:]
        thing["id"] = .string(id.text)
        thing["name"] = .string(id.name)
        var properties = body["properties"]?.object ?? [:]
        properties["provisioningState"] = "Succeeded"
        properties["seen"] = .string("seen \(id.name)")
        thing["properties"] = .object(properties)
        let whole = JSONValue.object(thing)
        state.withLock { state in
            state.things[id] = whole
            state.looks[id] = 0
        }
        return try .json(Self.settled(whole, after: 0), status: 201)
    }

    /// A slow thing is being made until it was looked at so often, and a doomed one fails then.
    private static func settled(_ thing: JSONValue, after looks: Int64) -> JSONValue {
        guard var members = thing.object, var properties = thing["properties"]?.object, let slow = properties["slow"]?.int else { return thing }
        properties["provisioningState"] = looks < slow ? "Creating" : properties["doomed"] == true ? "Failed" : "Succeeded"
        members["properties"] = .object(properties)
        return .object(members)
    }

    func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        state.withLock { state in
            state.things.keys.filter { $0.segments.count == 1 && (group == nil || $0.group?.lowercased() == group?.lowercased()) }
                .map { ResourceSummary(id: $0, location: "uksouth", tags: [:]) }
        }
    }

    func delete(_ id: ResourceID, by grant: Grant) async throws { try delete(id) }

    private func delete(_ id: ResourceID) throws {
        try state.withLock { state in
            if state.things[id]?["properties"]?["kept"] == true { throw APIError(status: 409, code: "ThingInUse", message: "It is in use.") }
            state.things[id] = Optional<JSONValue>.none
        }
    }
}
