import CofferModel
import CofferPlatform

/// The data-plane path `/keys/{name}/rotationpolicy`.
struct RotationPolicyRoutes: Sendable {
    let policies: RotationPolicyService

    var table: [VaultRoute] {
        [
            VaultRoute(.get, "keys/{name}/rotationpolicy", "KeyRotationPolicyGet", get),
            VaultRoute(.put, "keys/{name}/rotationpolicy", "KeyRotationPolicySet", set),
        ]
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.getRotationPolicy, on: name)
        return try show(try await policies.policy(of: name, in: request.vault, by: grant), name, request)
    }

    private func set(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.setRotationPolicy, on: name)
        let body = try request.decode(RotationPolicyBody.self)
        return try show(try await policies.set(body, of: name, in: request.vault, by: grant), name, request)
    }

    private func show(_ policy: RotationPolicy?, _ name: ObjectName, _ request: VaultRequest) throws -> VaultAnswer {
        try .json(RotationPolicyView(policy, of: name, host: request.host), object: "https://\(request.host)/keys/\(name.text)")
    }
}
