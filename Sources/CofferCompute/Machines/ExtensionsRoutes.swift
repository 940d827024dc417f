import CofferModel
import CofferPlatform

/// `extensions` of a virtual machine. None is served: Azure Disk Encryption is held against its rules, and refused all the same.
struct ExtensionsRoutes: Sendable {
    static let type = "extensions"

    let service: MachinesService

    /// The body of a PUT or PATCH.
    private struct Body: Decodable {
        struct Properties: Decodable {
            let publisher: String?
            let type: String?
            let settings: JSONValue?
        }

        let properties: Properties?
    }

    private static let publisher = "microsoft.azure.security"
    private static let types = ["azurediskencryption", "azurediskencryptionforlinux"]

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
            let properties = try request.http.decode(Body.self).properties
            guard properties?.publisher?.lowercased() == Self.publisher, Self.types.contains(properties?.type?.lowercased() ?? "") else {
                throw APIError.notServedYet("Extensions of virtual machines are", target: "type")
            }
            try await service.requireGuestEncryption(of: machine, try Self.volume(properties?.settings))
            throw APIError.notServedYet("No rule forbids Azure Disk Encryption here, but it is", target: "type")
        }
    }

    private static func volume(_ settings: JSONValue?) throws -> GuestVolume {
        let word = settings?["VolumeType"]?.string ?? GuestVolume.all.rawValue
        guard let volume = GuestVolume(word: word) else {
            throw APIError.invalidParameter("The volume type '\(word.prefix(40))' is unknown. There are: OS, Data and All.", target: "VolumeType")
        }
        return volume
    }
}
