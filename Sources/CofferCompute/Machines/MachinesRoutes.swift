import CofferModel
import CofferPlatform

/// `Microsoft.Compute/virtualMachines`. Decodes, calls ``MachinesService``, encodes; decides nothing.
struct MachinesRoutes: Sendable {
    static let type = "virtualMachines"

    let service: MachinesService
    let diagnostics: BootDiagnosticsService
    let trail: DiskAuditTrail

    /// The body of `runCommand`.
    private struct CommandBody: Decodable {
        struct Parameter: Decodable {
            let name: String?
            let value: String?
        }

        let commandId: String?
        let script: [String]?
        let parameters: [Parameter]?
    }

    /// The body of `reimage`.
    private struct ReimageBody: Decodable {
        let tempDisk: Bool?
    }

    /// - Parameter path: The segments after `virtualMachines`.
    func handle(_ request: ARMRequest, path: [String]) async throws -> APIResponse {
        let method = request.http.method
        let expansion = MachineResource.Expansion(request.http.parameter("$expand"))
        guard let name = path.first else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            let isStatus = request.http.parameter("statusOnly")?.lowercased() == "true"
            var expansion = expansion
            expansion.hasInstanceView = expansion.hasInstanceView || isStatus
            return try .json(ResourceList(value: try await service.machines(in: scope).map { MachineResource.document($0, expansion) }))
        }
        let id = try ResourceID.compute(Self.type, name, subscription: request.subscription, group: request.group)
        if path.count <= 3, path.count > 1, path[1].lowercased() == ExtensionsRoutes.type {
            return try await ExtensionsRoutes(service: service).handle(request, of: id, name: path.count == 3 ? path[2] : nil)
        }
        guard path.count == 1 else { return try await act(request, on: id, Array(path.dropFirst()).map { $0.lowercased() }) }
        switch method {
        case .get, .head: return try .json(MachineResource.document(try await service.machine(id, by: request.grant), expansion))
        case .put:
            return try answer(try await service.put(id, as: specification(request), by: request.grant))
        case .patch:
            return try answer(try await service.patch(id, with: specification(request), by: request.grant))
        case .delete:
            let isForced = request.http.parameter("forceDeletion")?.lowercased() == "true"
            return try await service.delete(id, isForced: isForced, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    /// - Parameter words: What is asked of the machine, in lower case.
    func act(_ request: ARMRequest, on id: ResourceID, _ words: [String]) async throws -> APIResponse {
        let isPost = request.http.method == .post
        switch words {
        case ["instanceview"] where request.http.method == .get:
            return try .json(MachineResource.instanceView(try await service.machine(id, by: request.grant)))
        case ["vmsizes"] where request.http.method == .get:
            return try .json(ResourceList(value: try await service.sizes(of: id, by: request.grant).map(MachineSizeResource.init)))
        case ["retrievebootdiagnosticsdata"] where isPost: return try await consoleLog(request, of: id)
        case ["start"] where isPost: try await service.perform(.start, on: id, by: request.grant)
        case ["poweroff"] where isPost:
            let isAbrupt = request.http.parameter("skipShutdown")?.lowercased() == "true"
            try await service.perform(.powerOff(isAbrupt: isAbrupt), on: id, by: request.grant)
        case ["deallocate"] where isPost: try await service.perform(.deallocate, on: id, by: request.grant)
        case ["converttomanageddisks"] where isPost: try await service.convertDisks(of: id, by: request.grant)
        case ["restart"] where isPost: try await service.perform(.restart, on: id, by: request.grant)
        case ["redeploy"] where isPost: try await service.perform(.redeploy, on: id, by: request.grant)
        case ["reimage"] where isPost:
            let body = request.http.body.isEmpty ? nil : try request.http.decode(ReimageBody.self)
            try await service.perform(.reimage(withTemporaryDisk: body?.tempDisk == true), on: id, by: request.grant)
        case ["runcommand"] where isPost: return try await run(request, on: id)
        default: throw APIError.computeTypeNotServed(request.path)
        }
        // As the status of the operation, which az wants to read after some of these.
        return try .json(["name": .string(request.http.requestID), "status": "Succeeded"] as JSONValue)
    }

    private func run(_ request: ARMRequest, on id: ResourceID) async throws -> APIResponse {
        let body = try request.http.decode(CommandBody.self)
        guard body.commandId?.lowercased() == "runshellscript" else {
            throw APIError.invalidParameter("The command '\((body.commandId ?? "").prefix(60))' is unknown. There is RunShellScript.", target: "commandId")
        }
        guard let lines = body.script, !lines.isEmpty else {
            throw APIError.invalidParameter("'script' has the lines of the script to run.", target: "script")
        }
        let variables = try (body.parameters ?? []).map { parameter in
            guard let name = parameter.name, ShellText.isName(name) else {
                throw APIError.invalidParameter("A parameter's name is one of a shell's variables.", target: "parameters")
            }
            return "\(name)=\(ShellText.quote(parameter.value ?? ""))\nexport \(name)"
        }
        let output = try await service.run((variables + lines).joined(separator: "\n"), in: id, by: request.grant)
        let message = "Enable succeeded: \n[stdout]\n\(String(decoding: output.output, as: UTF8.self))\n[stderr]\n"
            + String(decoding: output.errors, as: UTF8.self)
        let status: JSONValue = [
            "code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded", "message": .string(message),
        ]
        return try .json(["value": [status]] as JSONValue)
    }

    /// The URL of the console's log. There is none of a screenshot: machines have no display.
    private func consoleLog(_ request: ARMRequest, of id: ResourceID) async throws -> APIResponse {
        let minutes = request.http.parameter("sasUriExpirationTimeInMinutes").map { Int($0) ?? 0 } ?? BootDiagnosticsService.usualMinutes
        guard BootDiagnosticsService.minutes.contains(minutes) else {
            throw APIError.invalidParameter(
                "'sasUriExpirationTimeInMinutes' is a number from 1 to \(BootDiagnosticsService.minutes.upperBound).",
                target: "sasUriExpirationTimeInMinutes")
        }
        return try await trail.recording("MachineRetrieveBootDiagnostics", on: id, request.http, by: request.grant.caller) {
            let url = try await diagnostics.grant(id, minutes: minutes, by: request.grant)
            return try .json(["serialConsoleLogBlobUri": .string(url)] as JSONValue, headers: ["cache-control": "no-store"])
        }
    }

    private func specification(_ request: ARMRequest) throws -> MachineSpecification {
        try MachineSpecification(request.http.decode(MachineBody.self), whole: request.http.decode(JSONValue.self))
    }

    private func answer(_ shown: ShownMachine) throws -> APIResponse {
        let isComing = shown.record.phase == .creating
        return try .json(
            MachineResource.document(shown), status: isComing ? 201 : 200, headers: isComing ? ["x-ms-retry-after-ms": "500"] : [:])
    }
}

/// Text within a shell script.
private enum ShellText {
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 100, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: byte == UInt8(ascii: "_")
            }
        }
    }

    /// One word, whatever is in it.
    static func quote(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}
