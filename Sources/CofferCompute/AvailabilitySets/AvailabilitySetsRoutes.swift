import CofferModel
import CofferPlatform

/// `Microsoft.Compute/availabilitySets`. Decodes, calls ``AvailabilitySetsService``, encodes; decides nothing.
struct AvailabilitySetsRoutes: Sendable {
    static let type = "availabilitySets"

    let service: AvailabilitySetsService

    private struct Body: Decodable {
        struct Properties: Decodable {
            let platformFaultDomainCount: Int?
            let platformUpdateDomainCount: Int?
        }

        struct SKU: Decodable {
            let name: String?
        }

        let location: String?
        let tags: [String: String]?
        let sku: SKU?
        let properties: Properties?
    }

    /// - Parameter path: The segments after `availabilitySets`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            return try .json(ResourceList(value: try await service.sets(in: scope).map(document)))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        if path.count == 2, path[1].lowercased() == "vmsizes", method == .get {
            _ = try await service.set(id, by: request.grant)
            return try .json(ResourceList(value: MachineSize.all.map(MachineSizeResource.init)))
        }
        guard path.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        switch method {
        case .get, .head: return try .json(document(try await service.set(id, by: request.grant)))
        case .put: return try .json(document(try await service.put(record(id, request.http.decode(Body.self)), by: request.grant)))
        case .patch:
            let tags = try request.http.decode(Body.self).tags.map(Tags.checked)
            return try .json(document(try await service.patch(id, tags: tags, by: request.grant)))
        case .delete: return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func record(_ id: ResourceID, _ body: Body) throws -> AvailabilitySetRecord {
        guard let location = body.location.map(Location.canonical), !location.isEmpty else { throw APIError.locationNotAvailable("") }
        let (faults, updates) = (body.properties?.platformFaultDomainCount ?? 2, body.properties?.platformUpdateDomainCount ?? 5)
        guard (1...3).contains(faults) else {
            throw APIError.invalidParameter("'platformFaultDomainCount' is 1 to 3.", target: "platformFaultDomainCount")
        }
        guard (1...20).contains(updates) else {
            throw APIError.invalidParameter("'platformUpdateDomainCount' is 1 to 20.", target: "platformUpdateDomainCount")
        }
        let word = body.sku?.name ?? "Classic"
        guard let sku = ["Aligned", "Classic"].first(where: { $0.lowercased() == word.lowercased() }) else {
            throw APIError.invalidParameter("'sku.name' is Aligned or Classic.", target: "sku.name")
        }
        return AvailabilitySetRecord(
            id: id, location: location, tags: try Tags.checked(body.tags ?? [:]), faultDomainCount: faults, updateDomainCount: updates, sku: sku)
    }

    private func document(_ shown: AvailabilitySetsService.Shown) -> JSONValue {
        let set = shown.record
        return [
            "id": .string(set.id.text), "name": .string(set.id.name), "type": "Microsoft.Compute/availabilitySets",
            "location": .string(set.location), "tags": .object(set.tags.mapValues(JSONValue.string)), "sku": ["name": .string(set.sku)],
            "properties": [
                "platformFaultDomainCount": .int(Int64(set.faultDomainCount)), "platformUpdateDomainCount": .int(Int64(set.updateDomainCount)),
                "virtualMachines": .array(shown.members.map { ["id": .string($0.text)] }),
            ],
        ]
    }
}
