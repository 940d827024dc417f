import CofferCore
import CofferModel
import CofferPlatform

/// The instance metadata service of one virtual machine: what a guest asks at http://169.254.169.254. Whose request it is, is told by
/// the socket that it came through, and by nothing in it.
///
/// Sources: Azure's pages of the instance metadata service; the metadata endpoint of managed identities.
struct MetadataHandler: APIHandler {
    let id: ResourceID
    let machine: MachineID
    let store: any Store
    let identities: any ManagedIdentities
    let interfaces: any NetworkInterfaces
    let tokens: any IdentityTokens
    let provisioning: MachineProvisioning
    let settings: ComputeSettings

    func handle(_ request: APIRequest) async throws -> APIResponse {
        do {
            return try await answer(request)
        } catch let refusal as APIError {
            // A document of another shape than Azure Resource Manager's.
            return try .json(
                ["error": .string(refusal.code), "error_description": .string(refusal.message)] as JSONValue, status: refusal.status)
        }
    }

    private func answer(_ request: APIRequest) async throws -> APIResponse {
        let words = request.path.filter { !$0.isEmpty }.map { $0.lowercased() }
        let isReport = request.method == .post && words == ["coffer", "provision", "done"]
        guard request.method == .get || request.method == .head || isReport else {
            throw APIError.metadata(405, "method_not_allowed", "There is GET alone.")
        }
        // Neither a browser nor a proxy that a guest runs for others sets it.
        guard request.headers["metadata"]?.lowercased() == "true" else {
            throw APIError.metadata(400, "invalid_request", "Required metadata header not specified: send 'Metadata: true'.")
        }
        guard request.headers["x-forwarded-for"] == nil else {
            throw APIError.metadata(400, "invalid_request", "Requests that were forwarded are not answered.")
        }
        guard let record = try await store.read({ try $0.machine(id) }), record.machine == machine else {
            throw APIError.metadata(410, "gone", "The virtual machine is gone.")
        }
        switch (words.first, words.dropFirst().first) {
        case ("metadata", "versions") where words.count == 2: return try .json(["apiVersions": ["2018-02-01", "2021-02-01"]] as JSONValue)
        case ("metadata", "instance"):
            try checkVersion(request)
            return try await instance(record, request, Array(words.dropFirst(2)))
        case ("metadata", "identity") where Array(words.dropFirst(2)) == ["oauth2", "token"]:
            try checkVersion(request)
            return try await token(record, request)
        case ("coffer", "provision") where words.count == 2: return try await setUp(record)
        case ("coffer", "provision") where isReport:
            _ = try await store.write { try $0.change(record) { $0.provisioning?.isDone = true } }
            return .noContent
        default: throw APIError.metadata(404, "not_found", "There is nothing here.")
        }
    }

    /// What the guest needs beside its instance's document to be set up.
    private func setUp(_ record: MachineRecord) async throws -> APIResponse {
        let secrets = try await provisioning.handedOut(record)
        var document: [String: JSONValue] = [
            "authority": .string(settings.authority), "certificateAuthority": .string(settings.certificateAuthority),
        ]
        document["adminPasswordHash"] = secrets.passwordHash.map(JSONValue.string)
        document["customData"] = secrets.customData.map(JSONValue.string)
        return try .json(JSONValue.object(document), headers: ["cache-control": "no-store"])
    }

    private func checkVersion(_ request: APIRequest) throws {
        guard let version = request.parameter("api-version"), version.count == 10 else {
            throw APIError.metadata(400, "invalid_request", "api-version is missing or invalid: say api-version=2021-02-01.")
        }
    }

    /// The instance's document, or the part of it that the path leads to.
    private func instance(_ record: MachineRecord, _ request: APIRequest, _ path: [String]) async throws -> APIResponse {
        var place: JSONValue = ["compute": compute(record), "network": try await network(record)]
        for word in path {
            if let index = Int(word), let elements = place.array, elements.indices.contains(index) {
                place = elements[index]
            } else if let found = place.object?.first(where: { $0.key.lowercased() == word })?.value {
                place = found
            } else {
                throw APIError.metadata(404, "not_found", "There is nothing here.")
            }
        }
        switch place {
        case .object, .array: return try .json(place)
        default:
            // A leaf is text whether that was asked for or not.
            return APIResponse(
                status: 200, headers: ["content-type": "text/plain; charset=utf-8"],
                body: Array((place.string ?? place.int.map(String.init) ?? place.bool.map(String.init) ?? "").utf8))
        }
    }

    private func compute(_ record: MachineRecord) -> JSONValue {
        let keys = record.osProfile?["linuxConfiguration"]?["ssh"]?["publicKeys"]?.array ?? []
        let tags = record.tags.sorted { $0.key < $1.key }
        let image = record.image
        let hasPasswords = record.osProfile?["linuxConfiguration"]?["disablePasswordAuthentication"]?.bool != true
        return [
            "azEnvironment": "Coffer", "location": .string(record.location), "name": .string(record.id.name),
            "offer": image?["offer"] ?? "", "publisher": image?["publisher"] ?? "", "sku": image?["sku"] ?? "",
            "version": image?["exactVersion"] ?? "", "osType": .string(record.osDisk.osType ?? "Linux"),
            "osProfile": [
                "adminUsername": record.osProfile?["adminUsername"] ?? "",
                "computerName": record.osProfile?["computerName"] ?? .string(record.id.name), 
                "disablePasswordAuthentication": .string(hasPasswords ? "false" : "true"),
            ],
            "publicKeys": .array(keys.map { ["keyData": $0["keyData"] ?? "", "path": $0["path"] ?? ""] }),
            "resourceGroupName": .string(record.id.group ?? ""), "resourceId": .string(record.id.text),
            "subscriptionId": .string(record.id.subscription ?? ""),
            "securityProfile": [
                "encryptionAtHost": .string(record.encryptsAtHost ? "true" : "false"),
                "secureBootEnabled": "false", "virtualTpmEnabled": "false",
            ],
            "storageProfile": [
                "osDisk": ["name": .string(record.osDisk.disk.name), "caching": .string(record.osDisk.caching)],
                "dataDisks": .array(record.dataDisks.map { disk in
                    [
                        "lun": .string(String(disk.lun ?? 0)), "name": .string(disk.disk.name), "caching": .string(disk.caching),
                        "managedDisk": ["id": .string(disk.disk.text)],
                    ]
                }),
            ],
            "tags": .string(tags.map { "\($0.key):\($0.value)" }.joined(separator: ";")),
            "tagsList": .array(tags.map { ["name": .string($0.key), "value": .string($0.value)] }),
            "userData": .string(record.userData ?? ""), "vmId": .string(record.machine.text), "vmSize": .string(record.size),
            "zone": .string(record.zones?.first ?? ""), "vmScaleSetName": "", "provider": .string(ResourceID.computeNamespace),
        ]
    }

    private func network(_ record: MachineRecord) async throws -> JSONValue {
        var found: [JSONValue] = []
        for interface in record.interfaces {
            let plan = try await interfaces.plan(of: interface.id)
            let subnet = plan.subnet.split(separator: "/").map(String.init)
            let address: JSONValue = ["privateIpAddress": .string(plan.privateAddress), "publicIpAddress": .string(plan.publicAddress ?? "")]
            found.append([
                "ipv4": [
                    "ipAddress": [address],
                    "subnet": [["address": .string(subnet.first ?? ""), "prefix": .string(subnet.dropFirst().first ?? "")]],
                ],
                "ipv6": ["ipAddress": []],
                "macAddress": .string(plan.macAddress.uppercased().filter { $0 != ":" }),
            ])
        }
        return ["interface": .array(found)]
    }

    /// A token for one of the machine's identities: its own or the only one, unless another is named.
    private func token(_ record: MachineRecord, _ request: APIRequest) async throws -> APIResponse {
        guard let resource = request.parameter("resource"), !resource.isEmpty else {
            throw APIError.metadata(400, "invalid_request", "The parameter 'resource' is missing: say what the token is for.")
        }
        let identity = try await chosen(record.identities ?? [], request)
        let token = try await tokens.token(for: identity.caller, resource: resource)
        let answer: JSONValue = [
            "access_token": .string(token.text), "client_id": .string(identity.applicationID), "expires_in": .string(String(token.expiresInSeconds)),
            "expires_on": .string(String(token.expires)), "ext_expires_in": .string(String(token.expiresInSeconds)),
            "not_before": .string(String(token.expires - token.expiresInSeconds)), "resource": .string(resource), "token_type": "Bearer",
        ]
        return try .json(answer, headers: ["cache-control": "no-store"])
    }

    private func chosen(_ all: [AssignedIdentity], _ request: APIRequest) async throws -> AssignedIdentity {
        let wish: [(String, (AssignedIdentity) -> String?)] = [
            ("client_id", { $0.applicationID }), ("object_id", { $0.objectID }), ("principal_id", { $0.objectID }),
            ("msi_res_id", { $0.resource?.key }), ("mi_res_id", { $0.resource?.key }),
        ]
        for (name, value) in wish {
            guard let text = request.parameter(name), !text.isEmpty else { continue }
            let wanted = name.hasSuffix("res_id") ? ResourceID(text)?.key ?? "" : text.lowercased()
            guard let found = all.first(where: { value($0)?.lowercased() == wanted }) else { throw APIError.metadataIdentityNotFound }
            return try await present(found)
        }
        if let own = all.first(where: { $0.resource == nil }) { return own }
        guard let only = all.first else { throw APIError.metadataIdentityNotFound }
        guard all.count == 1 else {
            throw APIError.metadata(
                400, "invalid_request",
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request.")
        }
        return try await present(only)
    }

    /// An identity that was deleted is none, also when another was made with its name.
    private func present(_ identity: AssignedIdentity) async throws -> AssignedIdentity {
        guard let resource = identity.resource else { return identity }
        guard try await identities.userAssigned(resource)?.objectID == identity.objectID else { throw APIError.metadataIdentityNotFound }
        return identity
    }
}

extension APIError {
    fileprivate static func metadata(_ status: Int, _ code: String, _ message: String) -> APIError {
        APIError(status: status, code: code, message: message)
    }

    fileprivate static let metadataIdentityNotFound = metadata(
        400, "invalid_request", "Identity not found: the virtual machine has no such identity. Assign one with: az vm identity assign")
}
