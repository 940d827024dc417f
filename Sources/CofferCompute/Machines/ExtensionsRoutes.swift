import CofferModel
import CofferPlatform

/// `extensions` of a virtual machine. None is served: Azure Disk Encryption is held against its rules, and refused all the same.
struct ExtensionsRoutes: Sendable {
    static let type = "extensions"

    let service: MachinesService

    /// - Parameter name: Nil for the list.
    func handle(_ request: ARMRequest, of machine: ResourceID, name: String?) async throws -> APIResponse {
        _ = try await service.machine(machine, by: request.grant)
        guard let name else {
            guard request.http.method == .get || request.http.method == .head else {
                throw APIError.methodNotAllowed(request.http.method.rawValue, request.http.uri)
            }
            return try .json(["value": []] as JSONValue)
        }
        guard let id = machine.child(Self.type, name) else { throw APIError.computeTypeNotServed(request.path) }
        switch request.http.method {
        case .get, .head: throw APIError.resourceNotFound(id)
        case .delete: return .noContent
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        case .put, .patch:
            guard let volume = try GuestVolume.asked(of: request.http.decode(JSONValue.self)["properties"]) else {
                throw APIError.notServedYet("Extensions of virtual machines are", target: "type")
            }
            try await service.requireGuestEncryption(of: machine, volume)
            throw APIError.notServedYet("No rule forbids Azure Disk Encryption here, but it is", target: "type")
        }
    }
}
