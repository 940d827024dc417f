import CofferModel
import CofferPlatform

/// `Microsoft.Compute/virtualMachineScaleSets` with their instances. Decodes, calls ``ScaleSetsService``, encodes; decides nothing.
struct ScaleSetsRoutes: Sendable {
    static let type = "virtualMachineScaleSets"

    let service: ScaleSetsService
    /// Instances answer most of what virtual machines do.
    let machines: MachinesRoutes

    /// The body of what is asked of instances.
    private struct InstancesBody: Decodable {
        let instanceIds: [String]?
    }

    /// The body of a PUT of an instance, as far as it changes anything.
    private struct InstanceBody: Decodable {
        struct Policy: Decodable {
            let protectFromScaleIn: Bool?
        }

        struct Properties: Decodable {
            let protectionPolicy: Policy?
        }

        let properties: Properties?
    }

    /// - Parameter path: The segments after `virtualMachineScaleSets`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let sets = try await service.sets(in: ResourceID(subscription: request.subscription, group: request.group))
            return try .json(ResourceList(value: sets.map { ScaleSetResource.document($0) }))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        let rest = Array(path.dropFirst())
        if rest.first?.lowercased() == MachinesRoutes.type.lowercased() { return try await instance(request, Array(rest.dropFirst()), of: id) }
        guard rest.isEmpty else { return try await act(request, on: id, rest.map { $0.lowercased() }) }
        switch method {
        case .get, .head:
            let hasUserData = request.http.parameter("$expand")?.lowercased() == "userdata"
            return try .json(ScaleSetResource.document(try await service.set(id, by: request.grant), hasUserData: hasUserData))
        case .put, .patch:
            let wanted = try ScaleSetSpecification(request.http.decode(ScaleSetBody.self))
            let set = try await service.put(id, as: wanted, isPatch: method == .patch, by: request.grant)
            // A PATCH that goes on is told by its provisioningState; 201 is for what a PUT makes.
            return try .json(ScaleSetResource.document(set), status: set.isChanging && method == .put ? 201 : 200)
        case .delete:
            return try await service.delete(id, isForced: isForced(request), by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    private func act(_ request: ARMRequest, on id: ResourceID, _ words: [String]) async throws -> APIResponse {
        guard words.count == 1 else { throw APIError.computeTypeNotServed(request.path) }
        if request.http.method == .get {
            switch words[0] {
            case "instanceview":
                let set = try await service.set(id, by: request.grant)
                return try .json(ScaleSetResource.instanceView(set, try await service.instances(of: set)))
            case "skus":
                _ = try await service.set(id, by: request.grant)
                return try .json(ResourceList(value: ScaleSetResource.sizes()))
            case "networkinterfaces": return try await network(.interfaces, below: id, request)
            case "publicipaddresses": return try await network(.publicAddresses, below: id, request)
            default: throw APIError.computeTypeNotServed(request.path)
            }
        }
        guard request.http.method == .post else { throw APIError.computeTypeNotServed(request.path) }
        let numbers = request.http.body.isEmpty ? nil : try request.http.decode(InstancesBody.self).instanceIds
        let action: ScaleSetsService.InstanceAction = switch words[0] {
        case "start": .power(.start)
        case "poweroff": .power(.powerOff(isAbrupt: request.http.parameter("skipShutdown")?.lowercased() == "true"))
        case "deallocate": .power(.deallocate)
        case "restart", "redeploy": .power(.restart)
        case "manualupgrade": .update
        case "reimage", "reimageall": .reimage
        case "delete": .delete(isForced: isForced(request))
        default: throw APIError.computeTypeNotServed(request.path)
        }
        if case .delete = action, numbers == nil {
            throw APIError.invalidParameter("'instanceIds' names the instances to delete; '*' is all of them.", target: "instanceIds")
        }
        try await service.perform(action, on: numbers, of: id, by: request.grant)
        return try done(request)
    }

    /// - Parameter path: The segments after `virtualMachines`.
    private func instance(_ request: ARMRequest, _ path: [String], of id: ResourceID) async throws -> APIResponse {
        let method = request.http.method
        let expansion = MachineResource.Expansion(request.http.parameter("$expand"))
        guard let number = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, "\(id.text)/virtualMachines") }
            let set = try await service.set(id, by: request.grant)
            let all = try await service.instances(of: set).map { ScaleSetResource.instance($0, of: set, expansion) }
            return try .json(ResourceList(value: all))
        }
        let (set, shown) = try await service.instance(number, of: id, by: request.grant)
        let words = path.dropFirst().map { $0.lowercased() }
        switch (method, words) {
        case (.get, []), (.head, []): return try .json(ScaleSetResource.instance(shown, of: set, expansion))
        case (.put, []):
            let body = try request.http.decode(InstanceBody.self)
            if let isProtected = body.properties?.protectionPolicy?.protectFromScaleIn {
                try await service.protect(number, of: id, isProtected: isProtected, by: request.grant)
            }
            let now = try await service.instance(number, of: id, by: request.grant)
            return try .json(ScaleSetResource.instance(now.machine, of: now.set, expansion))
        case (.delete, []):
            try await service.perform(.delete(isForced: isForced(request)), on: [number], of: id, by: request.grant)
            return APIResponse(status: 200)
        case (.post, ["reimage"]), (.post, ["reimageall"]):
            try await service.perform(.reimage, on: [number], of: id, by: request.grant)
            return try done(request)
        case (.get, ["networkinterfaces"]): return try await network(.interfaces, below: shown.record.id, request)
        case (.get, _) where words.first == "networkinterfaces" && words.count == 2:
            let all = try await service.documents(of: .interfaces, below: shown.record.id, by: request.grant)
            guard let found = all.first(where: { $0["name"]?.string?.lowercased() == words[1] }) else {
                throw APIError.resourceNotFound(shown.record.id.child("networkInterfaces", path[2]) ?? shown.record.id)
            }
            return try .json(found)
        default: return try await machines.act(request, on: shown.record.id, words)
        }
    }

    private func network(_ part: InterfacePart, below id: ResourceID, _ request: ARMRequest) async throws -> APIResponse {
        try .json(["value": .array(try await service.documents(of: part, below: id, by: request.grant))] as JSONValue)
    }

    private func isForced(_ request: ARMRequest) -> Bool { request.http.parameter("forceDeletion")?.lowercased() == "true" }

    /// As the status of the operation.
    private func done(_ request: ARMRequest) throws -> APIResponse {
        try .json(["name": .string(request.http.requestID), "status": "Succeeded"] as JSONValue)
    }
}
